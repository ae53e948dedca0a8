/* wait4 tells what a child used: processor time of one that computed, memory of one that touched it; and RUSAGE_CHILDREN
 * is their sum.
 * calls: fork wait4 getrusage */
#include "children.h"

#include <sys/resource.h>

static double seconds(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double used(struct rusage usage) {
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

BODY {
    struct rusage computed, touched, both;
    int status;
    pid_t child = split();
    if (child == 0) {
        struct rusage mine;
        do {
            compute_ms(2);
            check(getrusage(RUSAGE_SELF, &mine) == 0);
        } while (used(mine) < 0.06);
        _exit(1);
    }
    check(wait4(child, &status, 0, &computed) == child && WEXITSTATUS(status) == 1);
    check(used(computed) >= 0.05);
    child = split();
    if (child == 0) {
        volatile char *memory = malloc(32 << 20);
        check(memory);
        for (size_t i = 0; i < 32 << 20; i += PAGE)
            memory[i] = 1;
        _exit(memory[4 * PAGE] + 1);
    }
    check(wait4(child, &status, 0, &touched) == child && WEXITSTATUS(status) == 2);
    /* The kernel counts in batches for each processor. */
    check(touched.ru_maxrss >= 30 << 10 && touched.ru_minflt > 0);
    check(getrusage(RUSAGE_CHILDREN, &both) == 0);
    check(used(both) + 0.001 >= used(computed) + used(touched) && both.ru_maxrss >= touched.ru_maxrss);
    say("usage is plausible");
}
