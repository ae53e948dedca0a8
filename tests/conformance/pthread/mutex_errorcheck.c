/* An error-checking mutex refuses a second lock, and an unlock by a thread that does not own it.
 * calls: futex */
#include "../conform.h"

static pthread_mutex_t mutex;
static int results[3];

static void *not_owner(void *arg) {
    results[0] = pthread_mutex_unlock(&mutex);
    results[1] = pthread_mutex_trylock(&mutex);
    struct timespec soon;
    check(clock_gettime(CLOCK_REALTIME, &soon) == 0);
    results[2] = pthread_mutex_timedlock(&mutex, &soon);
    return arg;
}

static void *next_owner(void *arg) {
    must(pthread_mutex_lock(&mutex));
    say("second owner");
    must(pthread_mutex_unlock(&mutex));
    return arg;
}

BODY {
    pthread_mutexattr_t attr;
    must(pthread_mutexattr_init(&attr));
    must(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK));
    must(pthread_mutex_init(&mutex, &attr));

    must(pthread_mutex_lock(&mutex));
    say("lock again: %s", strerror(pthread_mutex_lock(&mutex)));
    say("try again: %s", strerror(pthread_mutex_trylock(&mutex)));
    join(spawn(not_owner, NULL));
    say("unlock by another: %s", strerror(results[0]));
    say("try by another: %s", strerror(results[1]));
    say("timed by another: %s", strerror(results[2]));

    pthread_t waiter = spawn(next_owner, NULL);
    sleep_ms(30);
    say("first owner leaves");
    must(pthread_mutex_unlock(&mutex));
    join(waiter);
    say("unlock unlocked: %s", strerror(pthread_mutex_unlock(&mutex)));
    must(pthread_mutex_destroy(&mutex));
}
