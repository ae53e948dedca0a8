/* Clocks never go back, in a thread nor from one thread to another; resolutions.
 * calls: clock_getres times */
#include "../crew.h"
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>

enum { CREW = 3, ROUNDS = 30 };
static const clockid_t CLOCKS[] = {CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME};
enum { COUNT = sizeof CLOCKS / sizeof *CLOCKS };
/* The latest time of each clock that any thread has seen. */
static _Atomic int64_t latest[COUNT];

static int64_t ns_of(clockid_t clock) {
    struct timespec now;
    check(clock_gettime(clock, &now) == 0);
    check(now.tv_nsec >= 0 && now.tv_nsec < 1000000000);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void work(int me) {
    (void)me;
    meet();
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < COUNT; i++) {
            int64_t before = latest[i], now = ns_of(CLOCKS[i]);
            if (now < before)
                die("clock %d went back by %lld ns", (int)CLOCKS[i], (long long)(before - now));
            while (before < now && !atomic_compare_exchange_weak(&latest[i], &before, now))
                ;
        }
    meet();
}

BODY {
    crew(CREW, work);
    /* The wall clock, by whichever way it is asked. */
    int64_t real = ns_of(CLOCK_REALTIME);
    struct timeval day;
    check(gettimeofday(&day, NULL) == 0);
    int64_t asked = (int64_t)day.tv_sec * 1000000000 + day.tv_usec * 1000;
    check(asked - real < 1000000000 && real - asked < 1000000000);
    check(time(NULL) - day.tv_sec <= 1 && time(NULL) >= day.tv_sec - 1);
    check(ns_of(CLOCK_TAI) - real < INT64_C(40000000000));
    struct timespec resolution;
    for (int i = 0; i < COUNT; i++)
        check(clock_getres(CLOCKS[i], &resolution) == 0 && resolution.tv_sec == 0 && resolution.tv_nsec > 0);
    check(clock_gettime(99, &resolution) == -1 && errno == EINVAL);
    struct tms ticks;
    check(times(&ticks) != (clock_t)-1);
    struct rusage usage;
    check(getrusage(RUSAGE_SELF, &usage) == 0);
    check(clock() > 0);
    say("%d readings of %d clocks in %d threads", ROUNDS, COUNT, CREW);
}
