/* Asynchronous cancellation ends a thread in the middle of a computation without calls, at once if it was pending.
 * calls: tkill futex
 * recalls: signal */
#include "../conform.h"

static atomic_int started, may_enable, cleaned;

static void cleanup(void *arg) { atomic_fetch_add(&cleaned, (int)(long)arg); }

static void *compute(void *arg) {
    pthread_cleanup_push(cleanup, (void *)1);
    pthread_cleanup_push(cleanup, (void *)10);
    must(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL));
    atomic_store(&started, 1);
    for (volatile unsigned long i = 0;; i++)
        ;
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return arg;
}

static void *pending(void *arg) {
    pthread_cleanup_push(cleanup, (void *)100);
    atomic_store(&started, 1);
    while (!atomic_load(&may_enable))
        ;
    must(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL));
    for (volatile unsigned long i = 0;; i++)
        ;
    pthread_cleanup_pop(0);
    return arg;
}

BODY {
    for (int i = 0; i < 5; i++) {
        atomic_store(&started, 0);
        atomic_store(&cleaned, 0);
        pthread_t thread = spawn(compute, NULL);
        while (!atomic_load(&started))
            sched_yield();
        if (i % 2)
            settle();
        must(pthread_cancel(thread));
        check(join(thread) == PTHREAD_CANCELED);
        say("computing, cleaned %d", cleaned);
    }
    atomic_store(&started, 0);
    atomic_store(&cleaned, 0);
    pthread_t thread = spawn(pending, NULL);
    while (!atomic_load(&started))
        sched_yield();
    must(pthread_cancel(thread));
    sleep_ms(5);
    atomic_store(&may_enable, 1);
    check(join(thread) == PTHREAD_CANCELED);
    say("pending, cleaned %d", cleaned);
}
