/* The cpu-time clocks of thread and process, getrusage and times count what is computed, wherever it is computed.
 * calls: getrusage */
#include "../crew.h"
#include <sys/resource.h>

/* No processor adds to memory this often in less time. */
enum { CREW = 2, ADDITIONS = 20000000, LEAST_MS = 2 };
static int64_t spent[CREW];

static int64_t ns_of(clockid_t clock) {
    struct timespec now;
    check(clock_gettime(clock, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t usage_of(int who) {
    struct rusage usage;
    check(getrusage(who, &usage) == 0);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000000) +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

static void work(int me) {
    int64_t thread = ns_of(CLOCK_THREAD_CPUTIME_ID), usage = usage_of(RUSAGE_THREAD);
    for (volatile int i = 0; i < ADDITIONS; i++)
        ;
    spent[me] = ns_of(CLOCK_THREAD_CPUTIME_ID) - thread;
    if (spent[me] < LEAST_MS * 1000000)
        die("%d additions in %lld ns", ADDITIONS, (long long)spent[me]);
    /* Another way of the kernel to count, with ticks at the worst. */
    check(usage_of(RUSAGE_THREAD) - usage > spent[me] - 20000000);
}

BODY {
    int64_t process = ns_of(CLOCK_PROCESS_CPUTIME_ID), usage = usage_of(RUSAGE_SELF);
    crew(CREW, work);
    int64_t all = 0;
    for (int i = 0; i < CREW; i++)
        all += spent[i];
    check(ns_of(CLOCK_PROCESS_CPUTIME_ID) - process >= all);
    check(usage_of(RUSAGE_SELF) - usage > all - 20000000);
    say("counted");
}
