/* exit in a thread runs the atexit handlers there, in reverse, flushes stdio, and gives the process its status, though
 * other threads still run.
 * calls: writev */
#include "../conform.h"

static pthread_t caller;

static void first(void) { say("first registered"); }

static void second(void) {
    check(pthread_equal(caller, pthread_self()));
    say("second registered");
}

static void *compute(void *arg) {
    for (volatile unsigned long i = 0;; i++)
        ;
    return arg;
}

static void *sleep_long(void *arg) {
    sleep_ms(1000000);
    return arg;
}

BODY {
    check(atexit(first) == 0);
    check(atexit(second) == 0);
    caller = pthread_self();
    spawn(compute, NULL);
    spawn(sleep_long, NULL);
    settle();
    printf("buffered until exit\n");
    fflush(stdout);
    exit(37);
}
