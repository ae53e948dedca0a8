/* A normal mutex excludes: no increment of a plain counter is lost between threads.
 * calls: futex */
#include "../conform.h"

enum { THREADS = 4, ROUNDS = 2000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long counter;

static void *add(void *arg) {
    settle();
    for (int i = 0; i < ROUNDS; i++) {
        must(pthread_mutex_lock(&mutex));
        counter++;
        must(pthread_mutex_unlock(&mutex));
    }
    return arg;
}

BODY {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = spawn(add, NULL);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    say("counter %ld", counter);
}
