/* siglongjmp out of a handler, many times: out of a computation, out of a blocking call, with the mask restored, or not
 * restored where sigsetjmp was told so; callee-saved state and locals of the setter survive.
 * calls: tkill pause
 * recalls: signal */
#include "signals.h"
#include <setjmp.h>

enum { JUMPS = 20 };

static _Thread_local sigjmp_buf back;
static atomic_int ready;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    siglongjmp(back, 7);
}

static bool blocked(int number) {
    sigset_t mask;
    must(pthread_sigmask(SIG_SETMASK, NULL, &mask));
    return sigismember(&mask, number) == 1;
}

static void *jumper(void *arg) {
    bool sleeps = *(bool *)arg;
    volatile int jumps = 0;
    volatile double kept = 1.5;
    while (jumps < JUMPS) {
        int from = sigsetjmp(back, 1);
        if (from == 0) {
            atomic_store(&ready, jumps + 1);
            if (sleeps)
                for (;;)
                    pause();
            for (volatile unsigned long i = 0;; i++)
                ;
        }
        check(from == 7 && !blocked(SIGUSR1) && kept == 1.5 + jumps);
        kept += 1;
        jumps++;
    }
    return (void *)(long)jumps;
}

static void run(const char *name, bool sleeps) {
    atomic_store(&ready, 0);
    pthread_t thread = spawn(jumper, &sleeps);
    for (int i = 1; i <= JUMPS; i++) {
        spin_until(&ready, i);
        if (sleeps)
            sleep_ms(1);
        must(pthread_kill(thread, SIGUSR1));
    }
    say("%s: %ld jumps", name, (long)join(thread));
}

BODY {
    handle(SIGUSR1, on_signal, 0);
    run("computing", false);
    run("blocking", true);
    if (sigsetjmp(back, 0) == 0) {
        must(pthread_kill(pthread_self(), SIGUSR1));
        die("did not jump");
    }
    say("mask not saved: %s", blocked(SIGUSR1) ? "blocked" : "open");
    unblock(SIGUSR1);
    if (sigsetjmp(back, 1) == 0)
        raise(SIGUSR1);
    say("mask saved: %s", blocked(SIGUSR1) ? "blocked" : "open");
}
