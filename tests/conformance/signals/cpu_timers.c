/* ITIMER_VIRTUAL and ITIMER_PROF expire for the time that a thread computes, wherever that is, and not for the time that it
 * sleeps.
 * calls: setitimer
 * recalls: cpu-timer */
#include "signals.h"
#include <sys/time.h>

static atomic_int ticks;

static void on_tick(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    atomic_fetch_add(&ticks, 1);
}

static void count(const char *name, int which, int number) {
    struct itimerval every = {{0, 10000}, {0, 10000}}, off = {{0, 0}, {0, 0}};
    handle(number, on_tick, SA_RESTART);
    atomic_store(&ticks, 0);
    check(setitimer(which, &every, NULL) == 0);
    /* No call, no clock: 20 ms at least on any cpu. */
    for (volatile int i = 0; i < 150000000 && atomic_load(&ticks) < 2; i++)
        ;
    check(setitimer(which, &off, NULL) == 0);
    if (atomic_load(&ticks) < 2)
        die("%s: %d ticks", name, ticks);
    say("%s expires", name);
    atomic_store(&ticks, 0);
    struct itimerval later = {{0, 0}, {0, 80000}};
    check(setitimer(which, &later, NULL) == 0);
    sleep_ms(100);
    check(atomic_load(&ticks) == 0);
    check(setitimer(which, &off, NULL) == 0);
    say("%s: not asleep", name);
}

BODY {
    count("virtual", ITIMER_VIRTUAL, SIGVTALRM);
    count("prof", ITIMER_PROF, SIGPROF);
}
