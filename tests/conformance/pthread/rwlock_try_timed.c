/* Trying and timed locks of a read-write lock in each of its three states, and who gets a lock that becomes free.
 * calls: futex */
#include "../conform.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static struct timespec in_ms(long ms) {
    struct timespec time;
    check(clock_gettime(CLOCK_REALTIME, &time) == 0);
    time.tv_nsec += ms * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static const char *left(int result) {
    if (result == 0)
        must(pthread_rwlock_unlock(&lock));
    return strerror(result);
}

static void *probe(void *arg) {
    const char *state = arg;
    say("%s: try read: %s", state, left(pthread_rwlock_tryrdlock(&lock)));
    say("%s: try write: %s", state, left(pthread_rwlock_trywrlock(&lock)));
    struct timespec until = in_ms(20);
    say("%s: timed read: %s", state, left(pthread_rwlock_timedrdlock(&lock, &until)));
    until = in_ms(20);
    say("%s: timed write: %s", state, left(pthread_rwlock_timedwrlock(&lock, &until)));
    return NULL;
}

static void *write_in_time(void *arg) {
    struct timespec until = in_ms(30000);
    must(pthread_rwlock_timedwrlock(&lock, &until));
    say("writer is in");
    must(pthread_rwlock_unlock(&lock));
    return arg;
}

static void *read_in_time(void *arg) {
    struct timespec until = in_ms(30000);
    must(pthread_rwlock_timedrdlock(&lock, &until));
    say("reader is in");
    must(pthread_rwlock_unlock(&lock));
    return arg;
}

BODY {
    join(spawn(probe, "free"));
    must(pthread_rwlock_rdlock(&lock));
    join(spawn(probe, "read"));
    pthread_t thread = spawn(write_in_time, NULL);
    sleep_ms(20);
    say("last reader leaves");
    must(pthread_rwlock_unlock(&lock));
    join(thread);

    must(pthread_rwlock_wrlock(&lock));
    join(spawn(probe, "written"));
    thread = spawn(read_in_time, NULL);
    sleep_ms(20);
    say("writer leaves");
    must(pthread_rwlock_unlock(&lock));
    join(thread);
}
