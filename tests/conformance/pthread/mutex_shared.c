/* PTHREAD_PROCESS_SHARED mutex, condition variable and barrier, used by the threads of one process in its own memory.
 * calls: futex */
#include "../conform.h"

enum { THREADS = 3, ROUNDS = 200 };

static pthread_mutex_t mutex;
static pthread_cond_t turned;
static pthread_barrier_t barrier;
static int turn;
static long counter;

static void *work(void *arg) {
    int me = (int)(long)arg;
    settle();
    int serial = pthread_barrier_wait(&barrier);
    check(serial == 0 || serial == PTHREAD_BARRIER_SERIAL_THREAD);
    for (int i = 0; i < ROUNDS; i++) {
        must(pthread_mutex_lock(&mutex));
        counter++;
        must(pthread_mutex_unlock(&mutex));
    }
    for (int i = 0; i < 5; i++) {
        must(pthread_mutex_lock(&mutex));
        while (turn % THREADS != me)
            must(pthread_cond_wait(&turned, &mutex));
        turn++;
        must(pthread_cond_broadcast(&turned));
        must(pthread_mutex_unlock(&mutex));
    }
    return NULL;
}

BODY {
    pthread_mutexattr_t for_mutex;
    must(pthread_mutexattr_init(&for_mutex));
    must(pthread_mutexattr_setpshared(&for_mutex, PTHREAD_PROCESS_SHARED));
    must(pthread_mutex_init(&mutex, &for_mutex));
    pthread_condattr_t for_cond;
    must(pthread_condattr_init(&for_cond));
    must(pthread_condattr_setpshared(&for_cond, PTHREAD_PROCESS_SHARED));
    must(pthread_cond_init(&turned, &for_cond));
    pthread_barrierattr_t for_barrier;
    must(pthread_barrierattr_init(&for_barrier));
    must(pthread_barrierattr_setpshared(&for_barrier, PTHREAD_PROCESS_SHARED));
    must(pthread_barrier_init(&barrier, &for_barrier, THREADS));

    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++)
        threads[i] = spawn(work, (void *)i);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    say("counter %ld, turn %d", counter, turn);
    must(pthread_barrier_destroy(&barrier));
    must(pthread_cond_destroy(&turned));
    must(pthread_mutex_destroy(&mutex));
}
