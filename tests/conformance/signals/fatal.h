/* Programs that die of a signal in a child thread while other threads compute and sleep. */
#ifndef FATAL_H
#define FATAL_H

#include "signals.h"
#include <sys/resource.h>

static volatile long fatal_work;

/* An address that is never mapped. */
__attribute__((unused)) static volatile int *volatile fatal_nowhere = (volatile int *)16;

static void *fatal_compute(void *arg) {
    for (;;)
        fatal_work++;
    return arg;
}

static void *fatal_sleep(void *arg) {
    sleep_ms(1000000);
    return arg;
}

static inline void fatal_company(void) {
    struct rlimit none = {0, 0};
    check(setrlimit(RLIMIT_CORE, &none) == 0); /* writes no file */
    spawn(fatal_compute, NULL);
    spawn(fatal_sleep, NULL);
    settle();
    say("dying");
}

#endif
