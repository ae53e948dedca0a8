/* A handler interrupts a computation in a child thread, which then goes on with all its state, many times.
 * calls: tkill
 * recalls: signal */
#include "signals.h"

enum { SIGNALS = 40 };

static atomic_int handled, stop;
static pthread_t target;
static _Thread_local int mine;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)context;
    check(number == SIGUSR1 && info->si_signo == SIGUSR1);
    check(pthread_equal(pthread_self(), target));
    check(mine == 77);
    errno = EDOM;
    atomic_fetch_add(&handled, 1);
}

static void *compute(void *arg) {
    mine = 77;
    uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, rounds = 0;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        /* Holds only if every register survives. */
        a += 1, b += 2, c += 3, d += 4, e += 5, f += 6, rounds++;
        check(a == rounds + 1 && b == 2 * a && c == 3 * a && d == 4 * a && e == 5 * a && f == 6 * a);
    }
    return arg;
}

BODY {
    handle(SIGUSR1, on_signal, 0);
    target = spawn(compute, NULL);
    settle();
    for (int i = 0; i < SIGNALS; i++) {
        must(pthread_kill(target, SIGUSR1));
        spin_until(&handled, i + 1);
    }
    atomic_store(&stop, 1);
    join(target);
    say("handled %d", handled);
}
