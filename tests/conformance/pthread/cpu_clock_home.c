/* A thread that computes nothing sees the process's cpu time and that of others advance while they compute.
 * home: the first thread looks on */
#define BODY_AT_HOME
#include "../crew.h"
#include <sys/resource.h>

enum { CREW = 2 };
static atomic_int stop;

static int64_t ns_of(clockid_t clock) {
    struct timespec now;
    check(clock_gettime(clock, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t usage(void) {
    struct rusage usage;
    check(getrusage(RUSAGE_SELF, &usage) == 0);
    return usage.ru_utime.tv_sec * INT64_C(1000000) + usage.ru_utime.tv_usec;
}

static void work(int me) {
    (void)me;
    while (!atomic_load(&stop))
        ;
}

BODY {
    crew_begin(CREW, 0, work);
    clockid_t other;
    must(pthread_getcpuclockid(crew_threads[1], &other));
    /* By then they are wherever they are sent to. */
    sleep_ms(150);
    int64_t before = ns_of(CLOCK_PROCESS_CPUTIME_ID), used = usage(), theirs = ns_of(other);
    double limit = seconds_now() + 60;
    for (int64_t last = before; last < before + 50000000;) {
        sleep_ms(2);
        int64_t now = ns_of(CLOCK_PROCESS_CPUTIME_ID);
        check(now >= last && seconds_now() < limit);
        last = now;
    }
    say("the process's clock advances");
    while (ns_of(other) < theirs + 20000000 || usage() < used + 40000) {
        check(seconds_now() < limit);
        sleep_ms(2);
    }
    say("the other's, and its usage");
    check(ns_of(CLOCK_THREAD_CPUTIME_ID) < ns_of(CLOCK_PROCESS_CPUTIME_ID));
    atomic_store(&stop, 1);
    crew_end();
}
