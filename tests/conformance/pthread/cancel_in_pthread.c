/* Cancellation of threads that wait in pthread calls: the mutex of a condition variable is held again when cleanup
 * handlers run, a semaphore is not taken, a thread whose joiner is cancelled can still be joined.
 * calls: futex */
#include "cancel.h"
#include <semaphore.h>

static pthread_mutex_t mutex;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static sem_t sem;
static pthread_t target;

static void unlock(void *arg) {
    /* An error-checking mutex: fails if it is not held. */
    must(pthread_mutex_unlock(arg));
}

static void in_cond_wait(void) {
    must(pthread_mutex_lock(&mutex));
    pthread_cleanup_push(unlock, &mutex);
    for (;;)
        must(pthread_cond_wait(&never, &mutex));
    pthread_cleanup_pop(0);
}

static void in_cond_timedwait(void) {
    struct timespec until = {time(NULL) + 1000, 0};
    must(pthread_mutex_lock(&mutex));
    pthread_cleanup_push(unlock, &mutex);
    for (;;)
        must(pthread_cond_timedwait(&never, &mutex, &until));
    pthread_cleanup_pop(0);
}

static void in_join(void) { pthread_join(target, NULL); }

static void in_sem_wait(void) { sem_wait(&sem); }

static void in_sem_timedwait(void) {
    struct timespec until = {time(NULL) + 1000, 0};
    sem_timedwait(&sem, &until);
}

static void *sleep_long(void *arg) {
    sleep_ms(1000000);
    return arg;
}

BODY {
    pthread_mutexattr_t attr;
    must(pthread_mutexattr_init(&attr));
    must(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK));
    must(pthread_mutex_init(&mutex, &attr));
    check(sem_init(&sem, 0, 0) == 0);
    target = spawn(sleep_long, NULL);

    cancel_in("pthread_cond_wait", in_cond_wait);
    cancel_in("pthread_cond_timedwait", in_cond_timedwait);
    cancel_in("pthread_join", in_join);
    cancel_in("sem_wait", in_sem_wait);
    cancel_in("sem_timedwait", in_sem_timedwait);

    must(pthread_mutex_lock(&mutex));
    must(pthread_mutex_unlock(&mutex));
    must(pthread_cond_destroy(&never));
    int value;
    check(sem_getvalue(&sem, &value) == 0);
    say("semaphore %d", value);
    must(pthread_cancel(target));
    check(join(target) == PTHREAD_CANCELED);
    say("target joined");
}
