/* Many threads that wait for one condition are cancelled together, while others of them are woken: each ends one way,
 * and no wake-up is lost to a thread that was cancelled.
 * calls: futex tkill */
#include "../conform.h"

enum { THREADS = 24 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int waiting, tokens, left;

static void leave(void *arg) {
    (void)arg;
    left++;
    must(pthread_mutex_unlock(&mutex));
}

static void *wait_for_token(void *arg) {
    must(pthread_mutex_lock(&mutex));
    pthread_cleanup_push(leave, NULL);
    waiting++;
    while (tokens == 0)
        must(pthread_cond_wait(&cond, &mutex));
    tokens--;
    pthread_cleanup_pop(1);
    return arg;
}

BODY {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = spawn(wait_for_token, (void *)1);
    must(pthread_mutex_lock(&mutex));
    while (waiting < THREADS) {
        must(pthread_mutex_unlock(&mutex));
        sched_yield();
        must(pthread_mutex_lock(&mutex));
    }
    must(pthread_mutex_unlock(&mutex));

    /* Half of them are cancelled and have gone; the other half gets the tokens. */
    for (int i = 0; i < THREADS; i += 2)
        must(pthread_cancel(threads[i]));
    int cancelled = 0, served = 0;
    for (int i = 0; i < THREADS; i += 2)
        cancelled += join(threads[i]) == PTHREAD_CANCELED;
    for (int i = 1; i < THREADS; i += 2) {
        must(pthread_mutex_lock(&mutex));
        tokens++;
        must(pthread_cond_signal(&cond));
        must(pthread_mutex_unlock(&mutex));
    }
    for (int i = 1; i < THREADS; i += 2)
        served += join(threads[i]) == (void *)1;
    say("cancelled %d, served %d, left %d, tokens %d", cancelled, served, left, tokens);
}
