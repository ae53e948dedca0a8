/* A robust mutex whose owner ends is handed over with EOWNERDEAD, to a thread that waits as well as to one that comes
 * later; made consistent it lives on, else it is not recoverable.
 * calls: futex */
#include "../conform.h"

static pthread_mutex_t mutexes[3];
static atomic_int held;
static volatile int guarded;

static void *lock_and_end(void *arg) {
    settle();
    for (int i = 0; i < 3; i++)
        must(pthread_mutex_lock(&mutexes[i]));
    guarded = 1;
    atomic_store(&held, 1);
    sleep_ms(50);
    guarded = 2;
    return arg; /* without unlocking */
}

static void *wait_for_it(void *arg) {
    int result = pthread_mutex_lock(&mutexes[0]);
    check(result == EOWNERDEAD);
    check(guarded == 2);
    must(pthread_mutex_consistent(&mutexes[0]));
    must(pthread_mutex_unlock(&mutexes[0]));
    return arg;
}

static void *later(void *arg) {
    int *result = arg;
    *result = pthread_mutex_lock(&mutexes[1]);
    return NULL;
}

BODY {
    pthread_mutexattr_t attr;
    must(pthread_mutexattr_init(&attr));
    must(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST));
    int robust;
    must(pthread_mutexattr_getrobust(&attr, &robust));
    check(robust == PTHREAD_MUTEX_ROBUST);
    for (int i = 0; i < 3; i++)
        must(pthread_mutex_init(&mutexes[i], &attr));

    pthread_t owner = spawn(lock_and_end, NULL);
    while (!atomic_load(&held))
        sleep_ms(1);
    say("held, try: %s", strerror(pthread_mutex_trylock(&mutexes[0])));
    pthread_t waiter = spawn(wait_for_it, NULL);
    join(owner);
    join(waiter);
    say("the waiter made it consistent");
    must(pthread_mutex_lock(&mutexes[0]));
    must(pthread_mutex_unlock(&mutexes[0]));

    say("owner dead, try: %s", strerror(pthread_mutex_trylock(&mutexes[1])));
    must(pthread_mutex_unlock(&mutexes[1]));
    int result = 0;
    join(spawn(later, &result));
    say("not made consistent: %s", strerror(result));

    say("owner dead, lock: %s", strerror(pthread_mutex_lock(&mutexes[2])));
    must(pthread_mutex_consistent(&mutexes[2]));
    must(pthread_mutex_unlock(&mutexes[2]));
    must(pthread_mutex_lock(&mutexes[2]));
    must(pthread_mutex_unlock(&mutexes[2]));
    say("recovered");
}
