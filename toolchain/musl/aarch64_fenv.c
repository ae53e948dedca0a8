/* The floating-point environment of aarch64 behind the header of x86-64: programs are compiled once, with
 * the numbers of x86-64. fenv_t keeps fpcr in its control word and mxcsr, fpsr in its status word's place. */
#include <fenv.h>
#include <string.h>
#include "features.h"

struct both { unsigned control, status; };
_Static_assert(sizeof(struct both) <= sizeof(fenv_t), "fenv_t has room");

static unsigned control(void) { unsigned long v; __asm__ __volatile__("mrs %0, fpcr" : "=r"(v)); return v; }
static unsigned status(void) { unsigned long v; __asm__ __volatile__("mrs %0, fpsr" : "=r"(v)); return v; }
static void set_control(unsigned v) { __asm__ __volatile__("msr fpcr, %0" : : "r"((unsigned long)v)); }
static void set_status(unsigned v) { __asm__ __volatile__("msr fpsr, %0" : : "r"((unsigned long)v)); }

/* invalid 1, divbyzero 4, overflow 8, underflow 16, inexact 32 <-> 1, 2, 4, 8, 16 */
static unsigned to_arm(int mask) { return (mask & 1) | (mask >> 1 & 0x1e); }
static int from_arm(unsigned bits) { return (bits & 1) | (bits & 0x1e) << 1; }

int fegetround(void)
{
	switch (control() >> 22 & 3) {
	case 1: return FE_UPWARD;
	case 2: return FE_DOWNWARD;
	case 3: return FE_TOWARDZERO;
	default: return FE_TONEAREST;
	}
}

hidden int __fesetround(int mode)
{
	unsigned bits = mode == FE_UPWARD ? 1 : mode == FE_DOWNWARD ? 2 : mode == FE_TOWARDZERO ? 3 : 0;
	set_control((control() & ~(3u << 22)) | bits << 22);
	return 0;
}

int fetestexcept(int mask) { return from_arm(status() & to_arm(mask)); }
int feclearexcept(int mask) { set_status(status() & ~to_arm(mask)); return 0; }
int feraiseexcept(int mask) { set_status(status() | to_arm(mask)); return 0; }

int fegetenv(fenv_t *env)
{
	struct both b = { control(), status() };
	memcpy(env, &b, sizeof b);
	return 0;
}

int fesetenv(const fenv_t *env)
{
	struct both b = { 0, 0 };
	if (env != FE_DFL_ENV) memcpy(&b, env, sizeof b);
	set_control(b.control);
	set_status(b.status);
	return 0;
}
