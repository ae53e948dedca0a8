/* Threads that read all cpu-time clocks at the same time, while the process is stopped now and then for a child: no clock
 * goes backward, and the process's is never behind those of its threads.
 * calls: clock_gettime times getrusage */
#include "../crew.h"
#include <sys/resource.h>
#include <sys/times.h>

enum { CREW = 3, ROUNDS = 12 };
static int64_t spent[CREW];

static int64_t ns_of(clockid_t clock) {
    struct timespec now;
    check(clock_gettime(clock, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t user_of(int who) {
    struct rusage usage;
    check(getrusage(who, &usage) == 0);
    return usage.ru_utime.tv_sec * INT64_C(1000000) + usage.ru_utime.tv_usec;
}

static void later(int64_t *last, int64_t now, const char *what) {
    if (now < *last)
        die("%s: %lld after %lld", what, (long long)now, (long long)*last);
    *last = now;
}

static void work(int me) {
    clockid_t own;
    must(pthread_getcpuclockid(pthread_self(), &own));
    int64_t thread = 0, process = 0, user = 0, all = 0, ticks = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (volatile int i = 0; i < 2000000; i++)
            ;
        later(&thread, ns_of(round % 2 ? own : CLOCK_THREAD_CPUTIME_ID), "thread");
        later(&process, ns_of(CLOCK_PROCESS_CPUTIME_ID), "process");
        check(process >= thread);
        later(&user, user_of(RUSAGE_THREAD), "usage of the thread");
        later(&all, user_of(RUSAGE_SELF), "usage");
        struct tms tms;
        check(times(&tms) != (clock_t)-1);
        later(&ticks, tms.tms_utime, "ticks");
        if (me == 0 && round % 4 == 1) {
            pid_t child = fork();
            if (child == 0)
                _exit(ns_of(CLOCK_PROCESS_CPUTIME_ID) < 1000000000 ? 0 : 1);
            int status;
            check(child > 0 && waitpid(child, &status, 0) == child && status == 0);
        }
    }
    spent[me] = ns_of(CLOCK_THREAD_CPUTIME_ID);
    check(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, (struct timespec *)16) == -1 && errno == EFAULT);
    check(clock_gettime(own - 8 * 100000, &(struct timespec){0}) == -1 && errno == EINVAL);
}

BODY {
    crew(CREW, work);
    int64_t all = 0;
    for (int i = 0; i < CREW; i++)
        all += spent[i];
    check(ns_of(CLOCK_PROCESS_CPUTIME_ID) >= all);
    say("%d readers", CREW);
}
