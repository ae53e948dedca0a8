/* 256 threads that all exist at once, each with its own number, all let go together.
 * calls: futex mmap mprotect */
#include "../conform.h"

enum { THREADS = 256 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all = PTHREAD_COND_INITIALIZER;
static int present;
static _Thread_local long own;

static void *work(void *arg) {
    own = (long)arg;
    must(pthread_mutex_lock(&mutex));
    present++;
    if (present == THREADS)
        must(pthread_cond_broadcast(&all));
    while (present < THREADS)
        must(pthread_cond_wait(&all, &mutex));
    must(pthread_mutex_unlock(&mutex));
    return (void *)(own * own);
}

BODY {
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++)
        threads[i] = spawn(work, (void *)i);
    long sum = 0;
    for (int i = 0; i < THREADS; i++)
        sum += (long)join(threads[i]);
    say("present %d, sum %ld", present, sum);
}
