/* sem_timedwait fails with ETIMEDOUT, not before its time, and succeeds without looking at the time if it need not wait.
 * calls: futex */
#include "../conform.h"
#include <semaphore.h>

static sem_t sem;

static struct timespec in_ms(long ms) {
    struct timespec time;
    check(clock_gettime(CLOCK_REALTIME, &time) == 0);
    time.tv_nsec += ms * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static bool passed(const struct timespec *time) {
    struct timespec now;
    check(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return now.tv_sec > time->tv_sec || (now.tv_sec == time->tv_sec && now.tv_nsec >= time->tv_nsec);
}

static void *post_late(void *arg) {
    sleep_ms(30);
    check(sem_post(&sem) == 0);
    return arg;
}

BODY {
    check(sem_init(&sem, 0, 1) == 0);
    struct timespec bad = {0, -1}, past = {1, 0};
    say("free, past: %d", sem_timedwait(&sem, &past));
    check(sem_timedwait(&sem, &past) == -1);
    say("taken, past: %s", strerror(errno));
    check(sem_timedwait(&sem, &bad) == -1);
    say("taken, bad time: %s", strerror(errno));
    for (long ms = 5; ms <= 45; ms += 20) {
        struct timespec until = in_ms(ms);
        check(sem_timedwait(&sem, &until) == -1);
        check(passed(&until));
        say("taken, %ld ms: %s", ms, strerror(errno));
    }
    pthread_t thread = spawn(post_late, NULL);
    struct timespec until = in_ms(30000);
    say("posted in time: %d", sem_timedwait(&sem, &until));
    join(thread);
}
