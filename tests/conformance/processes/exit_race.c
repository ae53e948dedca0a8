/* Many threads end the process at the same time, each by exit_group with the same status, while others are being born
 * and ending: it ends once.
 * calls: exit_group */
#include "../conform.h"

enum { THREADS = 6 };

static pthread_barrier_t ready;

static void *nothing(void *arg) {
    return arg;
}
static void *end_all(void *arg) {
    pthread_barrier_wait(&ready);
    syscall(SYS_exit_group, 19);
    return arg;
}
static void *keep_making(void *arg) {
    pthread_barrier_wait(&ready);
    for (;;)
        join(spawn(nothing, NULL));
    return arg;
}

BODY {
    must(pthread_barrier_init(&ready, NULL, THREADS + 1));
    spawn(keep_making, NULL);
    say("they end");
    for (int i = 0; i < THREADS; i++)
        spawn(end_all, NULL);
    pause();
    die("went on");
}
