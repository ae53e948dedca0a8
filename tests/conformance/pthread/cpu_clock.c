/* A thread's cpu clock (its own, and by pthread_getcpuclockid another's) and the process's advance while it computes,
 * wherever that is, and stand still while it sleeps.
 * calls: clock_gettime */
#include "../conform.h"

static double now(clockid_t clock) {
    struct timespec time;
    check(clock_gettime(clock, &time) == 0);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Computes without any call, for 4 ms at least on every cpu there is; the clock must have seen it. */
static void compute_on(clockid_t clock, const char *name) {
    double before = now(clock);
    for (volatile int i = 0; i < 20000000; i++)
        ;
    if (now(clock) - before < 0.003)
        die("the %s clock does not advance", name);
    say("%s clock advances", name);
}

static atomic_int stop;

static void *compute(void *arg) {
    while (!atomic_load(&stop))
        for (volatile int i = 0; i < 100000; i++)
            ;
    return arg;
}

BODY {
    clockid_t own, other;
    must(pthread_getcpuclockid(pthread_self(), &own));
    compute_on(CLOCK_THREAD_CPUTIME_ID, "thread");
    compute_on(own, "thread's named");
    compute_on(CLOCK_PROCESS_CPUTIME_ID, "process");
    check(now(CLOCK_PROCESS_CPUTIME_ID) + 0.001 >= now(CLOCK_THREAD_CPUTIME_ID));

    double before = now(own);
    sleep_ms(100);
    check(now(own) - before < 0.08);
    say("not asleep");

    pthread_t thread = spawn(compute, NULL);
    must(pthread_getcpuclockid(thread, &other));
    double limit = seconds_now() + 10;
    before = now(other);
    while (now(other) < before + 0.02) {
        if (seconds_now() > limit)
            die("another thread's cpu clock does not advance");
        sleep_ms(5);
    }
    atomic_store(&stop, 1);
    join(thread);
    say("another's advances");
}
