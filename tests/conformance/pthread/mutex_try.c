/* Threads that only ever try: every success is exclusive, and in all they succeed as often as they must.
 * calls: none */
#include "../conform.h"

enum { THREADS = 3, SUCCESSES = 300 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int inside;
static long counter;

static void *try_often(void *arg) {
    settle();
    for (int i = 0; i < SUCCESSES;) {
        int result = pthread_mutex_trylock(&mutex);
        if (result == EBUSY) {
            sched_yield();
            continue;
        }
        check(result == 0);
        check(atomic_fetch_add(&inside, 1) == 0);
        counter++;
        atomic_fetch_sub(&inside, 1);
        must(pthread_mutex_unlock(&mutex));
        i++;
    }
    return arg;
}

BODY {
    must(pthread_mutex_trylock(&mutex));
    say("own, try: %s", strerror(pthread_mutex_trylock(&mutex)));
    must(pthread_mutex_unlock(&mutex));
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = spawn(try_often, NULL);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    say("counter %ld", counter);
}
