/* A recursive mutex counts its owner's locks and excludes others until the last unlock.
 * calls: futex */
#include "../conform.h"

enum { THREADS = 3, ROUNDS = 300, DEPTH = 4 };

static pthread_mutex_t mutex;
static long counter;

static void nest(int depth) {
    must(pthread_mutex_lock(&mutex));
    counter++;
    if (depth > 1)
        nest(depth - 1);
    counter++;
    must(pthread_mutex_unlock(&mutex));
}

static void *work(void *arg) {
    settle();
    for (int i = 0; i < ROUNDS; i++)
        nest(DEPTH);
    return arg;
}

static void *try_it(void *arg) {
    *(int *)arg = pthread_mutex_trylock(&mutex);
    if (*(int *)arg == 0)
        must(pthread_mutex_unlock(&mutex));
    return NULL;
}

static const char *others(void) {
    int result;
    join(spawn(try_it, &result));
    return strerror(result);
}

BODY {
    pthread_mutexattr_t attr;
    must(pthread_mutexattr_init(&attr));
    must(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE));
    int type;
    must(pthread_mutexattr_gettype(&attr, &type));
    check(type == PTHREAD_MUTEX_RECURSIVE);
    must(pthread_mutex_init(&mutex, &attr));

    say("not owned, unlock: %s", strerror(pthread_mutex_unlock(&mutex)));
    must(pthread_mutex_lock(&mutex));
    must(pthread_mutex_trylock(&mutex));
    say("locked twice, others: %s", others());
    must(pthread_mutex_unlock(&mutex));
    say("locked once, others: %s", others());
    must(pthread_mutex_unlock(&mutex));
    say("unlocked, others: %s", others());

    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = spawn(work, NULL);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    say("counter %ld", counter);
    must(pthread_mutex_destroy(&mutex));
}
