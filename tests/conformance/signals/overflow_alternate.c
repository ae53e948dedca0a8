/* A handler on an alternate stack survives the overflow of the thread's own stack, and leaves by siglongjmp, twice.
 * calls: sigaltstack rt_sigaction
 * recalls: signal sigaltstack fault */
#include "signals.h"
#include <setjmp.h>

enum { SIZE = 65536 };

static sigjmp_buf back;
static char *stack, *low;
static volatile int depth;

static void on_overflow(int number, siginfo_t *info, void *context) {
    (void)context;
    char here;
    check((char *)&here >= stack && (char *)&here < stack + SIZE);
    /* In the guard, just below the stack. */
    check((char *)info->si_addr < low && (char *)info->si_addr >= low - 16 * PAGE);
    say("signal %d, code %d", number, info->si_code);
    siglongjmp(back, 1);
}

__attribute__((noinline)) static int sink(volatile char *above) {
    volatile char frame[512];
    frame[0] = above[0];
    if (--depth == 0)
        return frame[0];
    return sink(frame) + frame[0];
}

BODY {
    pthread_attr_t attr;
    size_t size;
    void *start;
    must(pthread_getattr_np(pthread_self(), &attr));
    must(pthread_attr_getstack(&attr, &start, &size));
    low = start;
    stack = malloc(SIZE);
    check(stack != NULL);
    stack_t new = {.ss_sp = stack, .ss_size = SIZE};
    check(sigaltstack(&new, NULL) == 0);
    handle(SIGSEGV, on_overflow, SA_ONSTACK);
    for (int i = 0; i < 2; i++) {
        depth = 1 << 30;
        if (sigsetjmp(back, 1) == 0) {
            sink("");
            die("no overflow");
        }
        say("back %d", i);
    }
    check(depth < 1 << 30);
}
