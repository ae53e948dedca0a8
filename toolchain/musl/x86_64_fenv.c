/* The floating-point environment of x86-64 in C: both instruction sets then have the same functions. The old
 * unit (long double) and the new one (all else) are kept alike. */
#include <fenv.h>
#include <string.h>
#include "features.h"

static unsigned mxcsr(void) { unsigned v; __asm__ __volatile__("stmxcsr %0" : "=m"(v)); return v; }
static void set_mxcsr(unsigned v) { __asm__ __volatile__("ldmxcsr %0" : : "m"(v)); }
static unsigned short control(void) { unsigned short v; __asm__ __volatile__("fnstcw %0" : "=m"(v)); return v; }
static void set_control(unsigned short v) { __asm__ __volatile__("fldcw %0" : : "m"(v)); }
static unsigned short status(void) { unsigned short v; __asm__ __volatile__("fnstsw %0" : "=m"(v)); return v; }

int fegetround(void) { return mxcsr() >> 3 & 0xc00; }

hidden int __fesetround(int mode)
{
	set_control((control() & ~0xc00) | mode);
	set_mxcsr((mxcsr() & ~0x6000u) | mode << 3);
	return 0;
}

int fetestexcept(int mask) { return (status() | mxcsr()) & mask & FE_ALL_EXCEPT; }

int feclearexcept(int mask)
{
	mask &= FE_ALL_EXCEPT;
	unsigned old = status() & FE_ALL_EXCEPT;
	if (old & mask) {
		__asm__ __volatile__("fnclex");
		set_mxcsr((mxcsr() | old) & ~mask);
	} else if (mxcsr() & mask) {
		set_mxcsr(mxcsr() & ~mask);
	}
	return 0;
}

int feraiseexcept(int mask) { set_mxcsr(mxcsr() | (mask & FE_ALL_EXCEPT)); return 0; }

int fegetenv(fenv_t *env)
{
	__asm__ __volatile__("fnstenv %0\n\tfldenv %0" : "=m"(*env) : : "memory");
	env->__mxcsr = mxcsr();
	return 0;
}

int fesetenv(const fenv_t *env)
{
	if (env == FE_DFL_ENV) {
		__asm__ __volatile__("fninit");
		set_mxcsr(0x1f80);
		return 0;
	}
	__asm__ __volatile__("fldenv %0" : : "m"(*env));
	set_mxcsr(env->__mxcsr);
	return 0;
}
