/* 20,000 threads, created and ended in turn: nothing that a thread takes is kept after its end.
 * takes: 400
 * home: a creator on a board would be recalled for each of them, which other programs test */
#define BODY_AT_HOME
#include "../conform.h"

enum { THREADS = 20000 };

static long count;

static void *add(void *arg) {
    count++;
    return arg;
}

BODY {
    pthread_attr_t attr;
    must(pthread_attr_init(&attr));
    must(pthread_attr_setstacksize(&attr, 16384));
    for (long i = 0; i < THREADS; i++) {
        pthread_t thread;
        must(pthread_create(&thread, &attr, add, (void *)i));
        check(join(thread) == (void *)i);
    }
    say("count %ld", count);
}
