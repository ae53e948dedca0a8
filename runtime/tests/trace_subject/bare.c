/* A program without a libc, for both instruction sets: how deep and by which way it goes on is its first
 * argument. Every line that a test names has its number in the test. */
#include "snapshot.h"

typedef void step(int);
extern void blind(step *f, int n);     /* nothing is written down of these */
extern void blind_jump(step *f, int n);
volatile int sink;
int *volatile nowhere;

__attribute__((noinline)) void leaf(int n)
{
    *nowhere = n; /* line 13 */
    sink++;
}

static inline __attribute__((always_inline)) void folded(int n)
{
    leaf(n + 1); /* line 19 */
    sink++;
}

__attribute__((noinline)) void recurse(int n)
{
    volatile char room[32];
    room[n & 31] = n;
    if (n > 0)
        recurse(n - 1); /* line 28 */
    else
        folded(n); /* line 30 */
    sink += room[n & 31];
}

__attribute__((noinline)) void through_blind(int n)
{
    blind(recurse, n); /* line 36 */
    sink++;
}

__attribute__((noinline)) void through_jump(int n)
{
    blind_jump(recurse, n); /* line 42 */
    sink++;
}

__attribute__((noinline)) void sized(int n)
{
    volatile char room[n + 16]; /* the frame pointer is needed */
    room[n] = 1;
    blind(recurse, n); /* line 50 */
    sink += room[n];
}

__attribute__((noinline)) void null_call(int n)
{
    step *volatile none = 0;
    none(n); /* line 57 */
    sink++;
}

struct action {
    void (*handler)(int, void *, void *);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};

void restore(void);
#if defined(__x86_64__)
__asm__(".globl restore\n.type restore,@function\nrestore: mov $15, %rax\n syscall\n.size restore,.-restore\n");
#else
__asm__(".globl restore\n.type restore,%function\nrestore: mov x8, #139\n svc #0\n.size restore,.-restore\n");
#endif

static void on(int signal, void (*handler)(int, void *, void *))
{
    /* SA_SIGINFO | SA_RESTORER | SA_NODEFER */
    struct action action = {handler, 0x44000004, restore, 0};
    call(SIGACTION, signal, (long)&action, 0, 8);
}

static void handler(int signal, void *info, void *context)
{
    recurse(1); /* line 84 */
    sink++;
}

__attribute__((noinline)) void interrupted(int n)
{
    on(10, handler);
    call(KILL, call(GETPID, 0, 0, 0, 0), 10, 0, 0);
    sink++;
}

unsigned long entry_point(void)
{
    extern char _start[];
    return (unsigned long)_start;
}

__attribute__((used)) void begin(long *stack)
{
    static step *const steps[] = {recurse, through_blind, through_jump, sized, null_call, interrupted};
    char *name = ((char **)stack)[2], *depth = ((char **)stack)[3];
    int n = 0;
    for (; *depth; depth++)
        n = 10 * n + *depth - '0';
    on(11, snapshot);
    steps[*name - '0'](n);
    call(EXIT, 1, 0, 0, 0);
}

#if defined(__x86_64__)
__asm__(".globl _start\n.type _start,@function\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call begin\n hlt\n.size _start,.-_start\n");
#else
__asm__(".globl _start\n.type _start,%function\n_start: mov x0, sp\n bl begin\n brk #0\n.size _start,.-_start\n");
#endif
