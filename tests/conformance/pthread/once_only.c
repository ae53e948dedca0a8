/* pthread_once runs its function once, others wait until it is done; if it is cancelled, the next one runs it anew.
 * calls: futex */
#include "../conform.h"

enum { THREADS = 6 };

static pthread_once_t slow_once = PTHREAD_ONCE_INIT, cancelled_once = PTHREAD_ONCE_INIT;
static atomic_int runs, begun;
static volatile int value;

static void slowly(void) {
    atomic_fetch_add(&runs, 1);
    sleep_ms(20);
    value = 42;
}

static void *use(void *arg) {
    must(pthread_once(&slow_once, slowly));
    check(value == 42);
    return arg;
}

static void first_is_cancelled(void) {
    if (atomic_fetch_add(&begun, 1) == 0)
        sleep_ms(1000000);
    value = 43;
}

static void *use_cancelled(void *arg) {
    must(pthread_once(&cancelled_once, first_is_cancelled));
    check(value == 43);
    return arg;
}

BODY {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = spawn(use, NULL);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    say("runs %d", runs);

    threads[0] = spawn(use_cancelled, NULL);
    while (!atomic_load(&begun))
        sched_yield();
    for (int i = 1; i < THREADS; i++)
        threads[i] = spawn(use_cancelled, NULL);
    sleep_ms(20);
    must(pthread_cancel(threads[0]));
    check(join(threads[0]) == PTHREAD_CANCELED);
    for (int i = 1; i < THREADS; i++)
        check(join(threads[i]) == NULL);
    say("begun %d", begun);
}
