/* Broadcast storms: every waiter of every generation wakes, none is lost, none passes twice.
 * calls: futex */
#include "../conform.h"

enum { WAITERS = 8, ROUNDS = 25 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static int generation, waiting, passed;

static void *wait_rounds(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        must(pthread_mutex_lock(&mutex));
        check(generation == i);
        waiting++;
        if (waiting == WAITERS)
            must(pthread_cond_signal(&arrived));
        while (generation == i)
            must(pthread_cond_wait(&released, &mutex));
        passed++;
        must(pthread_mutex_unlock(&mutex));
    }
    return arg;
}

BODY {
    pthread_t threads[WAITERS];
    for (int i = 0; i < WAITERS; i++)
        threads[i] = spawn(wait_rounds, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        must(pthread_mutex_lock(&mutex));
        while (waiting < WAITERS)
            must(pthread_cond_wait(&arrived, &mutex));
        check(passed == i * WAITERS);
        waiting = 0;
        generation++;
        must(pthread_cond_broadcast(&released));
        must(pthread_mutex_unlock(&mutex));
    }
    for (int i = 0; i < WAITERS; i++)
        join(threads[i]);
    say("generations %d, passed %d", generation, passed);
}
