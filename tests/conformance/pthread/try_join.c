/* Joins that do not wait, or not for long: pthread_tryjoin_np, pthread_timedjoin_np.
 * calls: futex */
#include "../conform.h"

static atomic_int go;

static void *wait_for_go(void *arg) {
    while (!atomic_load(&go))
        sleep_ms(1);
    return arg;
}

BODY {
    pthread_t thread = spawn(wait_for_go, (void *)5);
    void *result = NULL;
    say("try: %s", strerror(pthread_tryjoin_np(thread, &result)));

    struct timespec until;
    check(clock_gettime(CLOCK_REALTIME, &until) == 0);
    until.tv_nsec += 20000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    say("timed: %s", strerror(pthread_timedjoin_np(thread, &result, &until)));
    struct timespec now;
    check(clock_gettime(CLOCK_REALTIME, &now) == 0);
    check(now.tv_sec > until.tv_sec || (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec));

    struct timespec bad = {until.tv_sec, 1000000000};
    say("bad time: %s", strerror(pthread_timedjoin_np(thread, &result, &bad)));

    atomic_store(&go, 1);
    until.tv_sec += 30;
    must(pthread_timedjoin_np(thread, &result, &until));
    say("joined: %ld", (long)result);

    thread = spawn(wait_for_go, (void *)6);
    int error;
    while ((error = pthread_tryjoin_np(thread, &result)) == EBUSY)
        sched_yield();
    check(error == 0);
    say("joined by trying: %ld", (long)result);
}
