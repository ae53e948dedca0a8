/* RLIMIT_CPU: SIGXCPU comes when the process has used its seconds, wherever it computes.
 * calls: prlimit64
 * recalls: cpu-timer */
#include "signals.h"
#include <sys/resource.h>

static volatile sig_atomic_t over;

static void on_limit(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    over = 1;
}

BODY {
    handle(SIGXCPU, on_limit, SA_RESTART);
    struct rlimit limit;
    check(getrlimit(RLIMIT_CPU, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY);
    limit.rlim_cur = 1;
    check(prlimit(0, RLIMIT_CPU, &limit, NULL) == 0);
    double end = seconds_now() + 100;
    while (!over && seconds_now() < end)
        for (volatile int i = 0; i < 1000000; i++)
            ;
    check(over);
    limit.rlim_cur = RLIM_INFINITY;
    check(setrlimit(RLIMIT_CPU, &limit) == 0);
    say("over");
}
