/* A handler changes the registers that it returns to: it steps over a faulting instruction, and returns to another
 * function than the one it interrupted.
 * calls: tkill
 * recalls: signal fault */
#include "signals.h"

#if defined(__x86_64__)
#define PC(context) ((context)->uc_mcontext.gregs[REG_RIP])
enum { FAULT_BYTES = 2 }; /* ud2 */
#define FAULT __asm__ volatile("ud2" ::: "memory")
#elif defined(__aarch64__)
#define PC(context) ((context)->uc_mcontext.pc)
enum { FAULT_BYTES = 4 };
#define FAULT __asm__ volatile("udf #0" ::: "memory")
#endif

static int skipped;
static atomic_int computing;

static void skip(int number, siginfo_t *info, void *context) {
    (void)number;
    check((uintptr_t)info->si_addr == (uintptr_t)PC((ucontext_t *)context));
    PC((ucontext_t *)context) += FAULT_BYTES;
    skipped++;
}

_Noreturn static void elsewhere(void) {
    /* The stack is where the interrupted function left it; it may not be aligned for more than this. */
    pthread_exit((void *)8);
}

static void redirect(int number, siginfo_t *info, void *context) {
    (void)number, (void)info;
    ucontext_t *at = context;
    PC(at) = (uintptr_t)elsewhere;
#if defined(__x86_64__)
    at->uc_mcontext.gregs[REG_RSP] = (at->uc_mcontext.gregs[REG_RSP] - 4096) / 16 * 16 - 8;
#endif
}

static void *compute(void *arg) {
    atomic_store(&computing, 1);
    for (volatile unsigned long i = 0;; i++)
        ;
    return arg;
}

BODY {
    handle(SIGILL, skip, 0);
    handle(SIGUSR1, redirect, 0);
    int counted = 0;
    for (int i = 0; i < 4; i++) {
        FAULT;
        counted++;
    }
    say("skipped %d, counted %d", skipped, counted);
    pthread_t thread = spawn(compute, NULL);
    spin_until(&computing, 1);
    settle();
    must(pthread_kill(thread, SIGUSR1));
    say("went elsewhere: %ld", (long)join(thread));
}
