/* A priority-inheriting mutex excludes under contention, can be tried and timed, and refuses a second lock.
 * calls: futex
 * withdraws: the kernel serves no faults on the words of these mutexes */
#include "../conform.h"

enum { THREADS = 3, ROUNDS = 200 };

static pthread_mutex_t mutex;
static long counter;

static void *add(void *arg) {
    settle();
    for (int i = 0; i < ROUNDS; i++) {
        must(pthread_mutex_lock(&mutex));
        counter++;
        if (i % 16 == 0)
            sched_yield();
        must(pthread_mutex_unlock(&mutex));
    }
    return arg;
}

static void *blocked(void *arg) {
    say("held, try: %s", strerror(pthread_mutex_trylock(&mutex)));
    struct timespec until;
    check(clock_gettime(CLOCK_REALTIME, &until) == 0);
    struct timespec past = {until.tv_sec - 100, 0};
    until.tv_nsec += 50000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    say("held, timed, past: %s", strerror(pthread_mutex_timedlock(&mutex, &past)));
    say("held, timed: %s", strerror(pthread_mutex_timedlock(&mutex, &until)));
    return arg;
}

BODY {
    pthread_mutexattr_t attr;
    must(pthread_mutexattr_init(&attr));
    int error = pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
    check(error == 0);
    must(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK));
    must(pthread_mutex_init(&mutex, &attr));

    must(pthread_mutex_lock(&mutex));
    say("lock again: %s", strerror(pthread_mutex_lock(&mutex)));
    join(spawn(blocked, NULL));
    must(pthread_mutex_unlock(&mutex));

    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = spawn(add, NULL);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    say("counter %ld", counter);
    must(pthread_mutex_destroy(&mutex));
}
