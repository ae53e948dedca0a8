/* The main thread ends by pthread_exit before the others: they go on, can fork, find the process by its pid, and the
 * last one's end is the end of the process, with status 0, handlers run and stdio flushed.
 * home: the main thread ends */
#define BODY_AT_HOME
#include "children.h"

enum { THREADS = 3 };

static pthread_t main_thread;
static pid_t main_pid;
static int done;

static void at_end(void) {
    say("the handler runs after %d threads", done);
}

static void *outlive(void *arg) {
    settle();
    check(getpid() == main_pid && gettid() != main_pid && kill(main_pid, 0) == 0);
    pid_t child = split();
    if (child == 0)
        _exit(50 + done);
    check(end_of(child) == 50 + done);
    done++;
    say("survivor %d", done);
    return arg;
}

static void *outlive_main(void *arg) {
    join(main_thread);
    for (int i = 0; i < THREADS; i++)
        join(spawn(outlive, NULL));
    printf("flushed at the end\n");
    return arg;
}

BODY {
    check(atexit(at_end) == 0);
    main_thread = pthread_self();
    main_pid = getpid();
    must(pthread_detach(spawn(outlive_main, NULL)));
    pthread_exit(NULL);
}
