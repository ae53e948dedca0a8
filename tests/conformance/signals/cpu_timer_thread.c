/* A timer on a thread's cpu clock expires for the time that the thread computes, wherever that is, and not for another's.
 * calls: timer_create
 * recalls: cpu-timer */
#include "signals.h"

static atomic_int ticks, stop;

static void on_tick(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    atomic_fetch_add(&ticks, 1);
}

static void *compute(void *arg) {
    while (!atomic_load(&stop))
        ;
    return arg;
}

BODY {
    handle(SIGUSR1, on_tick, SA_RESTART);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    check(timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == 0);
    struct itimerspec every = {{0, 10000000}, {0, 10000000}}, left;
    check(timer_settime(timer, 0, &every, NULL) == 0);
    /* No call, no clock: 20 ms at least on any cpu. */
    for (volatile int i = 0; i < 150000000 && atomic_load(&ticks) < 2; i++)
        ;
    if (atomic_load(&ticks) < 2)
        die("thread's clock: %d ticks", ticks);
    say("thread's clock expires");
    every.it_value.tv_nsec = 80000000;
    check(timer_settime(timer, 0, &every, NULL) == 0);
    atomic_store(&ticks, 0);
    pthread_t thread = spawn(compute, NULL);
    sleep_ms(150);
    atomic_store(&stop, 1);
    join(thread);
    check(atomic_load(&ticks) == 0);
    check(timer_gettime(timer, &left) == 0 && left.it_value.tv_nsec > 0);
    check(timer_delete(timer) == 0);
    say("not for another's time");
}
