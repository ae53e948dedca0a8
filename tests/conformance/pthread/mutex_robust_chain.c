/* A row of threads each ends while it owns a robust mutex: every one finds the previous owner's death, exactly once.
 * calls: futex */
#include "../conform.h"

enum { THREADS = 12 };

static pthread_mutex_t mutex;
static int deaths, clean, owners;

static void *inherit(void *arg) {
    int result = pthread_mutex_lock(&mutex);
    if (result == EOWNERDEAD) {
        must(pthread_mutex_consistent(&mutex));
        deaths++;
    } else {
        check(result == 0);
        clean++;
    }
    owners++;
    return arg; /* the owner ends */
}

BODY {
    pthread_mutexattr_t attr;
    must(pthread_mutexattr_init(&attr));
    must(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST));
    must(pthread_mutex_init(&mutex, &attr));
    pthread_t threads[THREADS];
    must(pthread_mutex_lock(&mutex)); /* so that they queue */
    for (int i = 0; i < THREADS; i++)
        threads[i] = spawn(inherit, NULL);
    sleep_ms(20);
    must(pthread_mutex_unlock(&mutex));
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    int result = pthread_mutex_lock(&mutex);
    say("owners %d, deaths %d, clean %d, last: %s", owners, deaths, clean, strerror(result));
    must(pthread_mutex_consistent(&mutex));
    must(pthread_mutex_unlock(&mutex));
}
