/* SIGTRAP is a signal like others: raised, by a breakpoint of the program's own, sent by another thread, blocked
 * around calls, and ignored.
 * calls: tkill getppid
 * recalls: signal fault */
#include "signals.h"

static atomic_int handled, code;

static void on_trap(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    atomic_store(&code, info->si_code);
#if defined(__aarch64__)
    if (info->si_code > 0)
        ((ucontext_t *)context)->uc_mcontext.pc += 4;
#endif
    atomic_fetch_add(&handled, 1);
}

static void *compute(void *arg) {
    while (atomic_load(&handled) < *(int *)arg)
        ;
    return NULL;
}

BODY {
    handle(SIGTRAP, on_trap, 0);
    check(raise(SIGTRAP) == 0);
    say("raised: handled %d, from a thread %d", handled, code == SI_TKILL);
    for (int i = 0; i < 5; i++) {
#if defined(__x86_64__)
        __asm__ volatile("int3");
#elif defined(__aarch64__)
        __asm__ volatile("brk #0");
#else
        raise(SIGTRAP);
#endif
    }
    say("breakpoints: handled %d, from the kernel %d", handled, code > 0);
    int limit = handled + 1;
    pthread_t thread = spawn(compute, &limit);
    settle();
    must(pthread_kill(thread, SIGTRAP));
    join(thread);
    say("sent: handled %d", handled);
    block(SIGTRAP);
    must(pthread_kill(pthread_self(), SIGTRAP));
    for (int i = 0; i < 10; i++)
        check(getppid() > 0);
    check(handled == 7);
    sigset_t pending;
    check(sigpending(&pending) == 0 && sigismember(&pending, SIGTRAP) == 1);
    unblock(SIGTRAP);
    say("blocked: handled %d", handled);
    check(signal(SIGTRAP, SIG_IGN) != SIG_ERR);
    for (int i = 0; i < 10; i++)
        check(getppid() > 0);
    check(raise(SIGTRAP) == 0);
    say("still ignored: %d", signal(SIGTRAP, SIG_DFL) == SIG_IGN);
}
