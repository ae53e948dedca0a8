/* Timed waits on both clocks end with ETIMEDOUT, not before their time, and with the mutex held; a signal in time ends
 * them with 0.
 * calls: futex */
#include "../conform.h"

static pthread_mutex_t mutex;
static bool flag;

static struct timespec in_ms(clockid_t clock, long ms) {
    struct timespec time;
    check(clock_gettime(clock, &time) == 0);
    time.tv_nsec += ms * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static bool passed(clockid_t clock, const struct timespec *time) {
    struct timespec now;
    check(clock_gettime(clock, &now) == 0);
    return now.tv_sec > time->tv_sec || (now.tv_sec == time->tv_sec && now.tv_nsec >= time->tv_nsec);
}

static void *raise_flag(void *arg) {
    sleep_ms(20);
    must(pthread_mutex_lock(&mutex));
    flag = true;
    must(pthread_cond_signal(arg));
    must(pthread_mutex_unlock(&mutex));
    return NULL;
}

static void on_clock(const char *name, clockid_t clock) {
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr));
    must(pthread_condattr_setclock(&attr, clock));
    clockid_t found;
    must(pthread_condattr_getclock(&attr, &found));
    check(found == clock);
    pthread_cond_t cond;
    must(pthread_cond_init(&cond, &attr));

    must(pthread_mutex_lock(&mutex));
    for (long ms = 0; ms <= 40; ms += 20) {
        struct timespec until = in_ms(clock, ms);
        int result;
        while ((result = pthread_cond_timedwait(&cond, &mutex, &until)) == 0)
            ; /* spurious */
        check(passed(clock, &until));
        say("%s %ld ms: %s, mutex: %s", name, ms, strerror(result), strerror(pthread_mutex_unlock(&mutex)));
        must(pthread_mutex_lock(&mutex));
    }
    struct timespec bad = {0, 1000000000};
    say("%s bad time: %s", name, strerror(pthread_cond_timedwait(&cond, &mutex, &bad)));

    flag = false;
    pthread_t thread = spawn(raise_flag, &cond);
    struct timespec until = in_ms(clock, 30000);
    while (!flag)
        must(pthread_cond_timedwait(&cond, &mutex, &until));
    say("%s signalled in time", name);
    must(pthread_mutex_unlock(&mutex));
    join(thread);
    must(pthread_cond_destroy(&cond));
}

BODY {
    pthread_mutexattr_t attr;
    must(pthread_mutexattr_init(&attr));
    must(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK));
    must(pthread_mutex_init(&mutex, &attr));
    on_clock("realtime", CLOCK_REALTIME);
    on_clock("monotonic", CLOCK_MONOTONIC);
    pthread_condattr_t cond;
    must(pthread_condattr_init(&cond));
    say("cpu time: %s", strerror(pthread_condattr_setclock(&cond, CLOCK_PROCESS_CPUTIME_ID)));
}
