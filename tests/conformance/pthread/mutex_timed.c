/* A timed lock of a held mutex fails with ETIMEDOUT, never before its time; it succeeds if the owner leaves before.
 * calls: futex */
#include "../conform.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static bool passed(const struct timespec *time) {
    struct timespec now;
    check(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return now.tv_sec > time->tv_sec || (now.tv_sec == time->tv_sec && now.tv_nsec >= time->tv_nsec);
}

static struct timespec in_ms(long ms) {
    struct timespec time;
    check(clock_gettime(CLOCK_REALTIME, &time) == 0);
    time.tv_nsec += ms * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static void *time_out(void *arg) {
    long waits[] = {-50, 0, 1, 20, 60};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        struct timespec until = in_ms(waits[i] < 0 ? 0 : waits[i]);
        if (waits[i] < 0)
            until.tv_sec--;
        int result = pthread_mutex_timedlock(&mutex, &until);
        check(passed(&until));
        say("%ld ms: %s", waits[i], strerror(result));
    }
    struct timespec bad = {0, -1};
    say("bad time: %s", strerror(pthread_mutex_timedlock(&mutex, &bad)));
    return arg;
}

static void *succeed(void *arg) {
    struct timespec until = in_ms(30000);
    must(pthread_mutex_timedlock(&mutex, &until));
    check(!passed(&until));
    say("got it in time");
    must(pthread_mutex_unlock(&mutex));
    return arg;
}

BODY {
    must(pthread_mutex_lock(&mutex));
    join(spawn(time_out, NULL));
    pthread_t thread = spawn(succeed, NULL);
    sleep_ms(30);
    say("leaving");
    must(pthread_mutex_unlock(&mutex));
    join(thread);
}
