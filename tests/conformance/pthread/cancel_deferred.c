/* Deferred cancellation acts at cancellation points only; a disabled one waits until it is enabled; nothing is a
 * cancellation point once a thread ends.
 * calls: tkill futex */
#include "../conform.h"

static atomic_int cancelled, progress;

static void wait_for_cancel(void) {
    while (!atomic_load(&cancelled))
        sched_yield();
}

static void *deferred(void *arg) {
    int type;
    must(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type));
    check(type == PTHREAD_CANCEL_DEFERRED);
    wait_for_cancel();
    compute_ms(5);
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    must(pthread_mutex_lock(&mutex)); /* none of these is a cancellation point */
    must(pthread_mutex_unlock(&mutex));
    getppid();
    atomic_store(&progress, 1);
    pthread_testcancel();
    atomic_store(&progress, 2);
    return arg;
}

static void *disabled(void *arg) {
    int state;
    must(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state));
    check(state == PTHREAD_CANCEL_ENABLE);
    wait_for_cancel();
    pthread_testcancel();
    sleep_ms(10);
    atomic_store(&progress, 1);
    must(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state));
    check(state == PTHREAD_CANCEL_DISABLE);
    atomic_store(&progress, 2);
    sleep_ms(10000);
    atomic_store(&progress, 3);
    return arg;
}

static void *itself(void *arg) {
    must(pthread_cancel(pthread_self()));
    atomic_store(&progress, 1);
    pthread_testcancel();
    atomic_store(&progress, 2);
    return arg;
}

static void *too_late(void *arg) {
    must(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL));
    wait_for_cancel();
    atomic_store(&progress, 1);
    return arg;
}

static void run(const char *name, void *(*function)(void *), bool cancel) {
    atomic_store(&cancelled, 0);
    atomic_store(&progress, 0);
    pthread_t thread = spawn(function, NULL);
    if (cancel) {
        sleep_ms(5);
        must(pthread_cancel(thread));
        must(pthread_cancel(thread)); /* the same again is no harm */
        atomic_store(&cancelled, 1);
    }
    void *result = join(thread);
    say("%s: %s, progress %d", name, result == PTHREAD_CANCELED ? "cancelled" : "returned", progress);
}

BODY {
    run("deferred", deferred, true);
    run("disabled, enabled", disabled, true);
    run("by itself", itself, false);
    run("disabled to the end", too_late, true);
}
