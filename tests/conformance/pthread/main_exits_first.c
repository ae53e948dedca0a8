/* The main thread ends by pthread_exit; the process lives on in its other thread, whose end ends it with status 0 after
 * the atexit handlers.
 * home: main must be the one that leaves */
#define BODY_AT_HOME
#include "../conform.h"

static pthread_t first;

static void at_exit(void) { say("atexit"); }

static void *outlive(void *arg) {
    must(pthread_join(first, NULL));
    say("main is gone");
    settle();
    say("still here");
    return arg;
}

BODY {
    check(atexit(at_exit) == 0);
    first = pthread_self();
    must(pthread_detach(spawn(outlive, NULL)));
    pthread_exit(NULL);
}
