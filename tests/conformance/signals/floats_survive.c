/* Floating-point and vector registers survive a handler that uses them itself, at any moment; so does the rounding mode
 * of the thread, which a handler has for its own.
 * calls: tkill
 * recalls: signal */
#include "signals.h"
#include <fenv.h>

enum { SIGNALS = 20 };

static atomic_int handled, stop;
static volatile double scratch = 3;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    double a[8];
    for (int i = 0; i < 8; i++)
        a[i] = scratch * i;
    for (int j = 0; j < 100; j++)
        for (int i = 0; i < 8; i++)
            a[i] = a[i] * 1.0000001 + scratch;
    scratch = 3 + a[7] * 0;
    atomic_fetch_add(&handled, 1);
}

static void *compute(void *arg) {
    check(fesetround(FE_UPWARD) == 0);
    unsigned long rounds = 0;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        double a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
        float v[16];
        for (int i = 0; i < 16; i++)
            v[i] = (float)i;
        for (int i = 0; i < 1000; i++) {
            a += 1, b += 2, c += 3, d += 4, e += 5, f += 6, g += 7, h += 8;
            for (int j = 0; j < 16; j++)
                v[j] += 1.0f;
        }
        check(a == 1001 && b == 2002 && c == 3003 && d == 4004);
        check(e == 5005 && f == 6006 && g == 7007 && h == 8008);
        for (int i = 0; i < 16; i++)
            check(v[i] == (float)(i + 1000));
        check(fegetround() == FE_UPWARD);
        rounds++;
    }
    check(rounds > 0);
    return arg;
}

BODY {
    handle(SIGUSR1, on_signal, 0);
    pthread_t thread = spawn(compute, NULL);
    settle();
    for (int i = 0; i < SIGNALS; i++) {
        must(pthread_kill(thread, SIGUSR1));
        spin_until(&handled, i + 1);
    }
    check(fegetround() == FE_TONEAREST);
    atomic_store(&stop, 1);
    join(thread);
    say("handled %d", handled);
}
