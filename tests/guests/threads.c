/* What pthreads promise: results, thread-local data, destructors, once, cancellation, detached threads, robust
 * mutexes, semaphores, reader-writer locks, barriers, many threads. */
#include "common.h"

#include <semaphore.h>
#include <time.h>
#include <unistd.h>

static _Thread_local uint64_t local = 7;
static pthread_key_t key;
static _Atomic unsigned destroyed, detached_done, once_done, cleaned;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void destroy(void *value) { destroyed += (unsigned)(uintptr_t)value; }
static void initialise(void) { once_done++; }

static void *plain(void *arg) {
    size_t me = (size_t)arg;
    must(pthread_once(&once, initialise), "pthread_once");
    pthread_setspecific(key, (void *)(me + 1));
    for (size_t i = 0; i < 1000; i++)
        local = lcg_walk(local + me, 100);
    return (void *)(local ^ me);
}

static void results(size_t count) {
    pthread_t threads[MAX_THREADS];
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        must(pthread_create(&threads[i], NULL, plain, (void *)i), "pthread_create");
    for (size_t i = 0; i < count; i++) {
        void *result;
        must(pthread_join(threads[i], &result), "pthread_join");
        sum = checksum_word(sum, (uint64_t)result);
    }
    printf("%zu threads %016" PRIx64 ", %u destroyed, %u once, own copy %" PRIu64 "\n", count, sum, destroyed, once_done,
           local);
}

static void *detached(void *arg) {
    (void)arg;
    lcg_walk(1, 1000000);
    detached_done++;
    return NULL;
}

static void detached_threads(void) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    for (int i = 0; i < 20; i++)
        must(pthread_create(&thread, &attributes, detached, NULL), "pthread_create");
    while (detached_done < 20)
        usleep(1000);
    printf("detached threads ended\n");
}

static void clean(void *arg) { cleaned += (unsigned)(uintptr_t)arg; }
static pthread_mutex_t blocked_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

static void unlock_blocked(void *arg) { unlock(arg); }

static void *cancelled_in_wait(void *arg) {
    pthread_cleanup_push(clean, arg);
    lock(&blocked_lock);
    pthread_cleanup_push(unlock_blocked, &blocked_lock);
    for (;;)
        wait_for(&never, &blocked_lock);
    pthread_cleanup_pop(1);
    pthread_cleanup_pop(1);
    return NULL;
}

static void *cancelled_while_computing(void *arg) {
    pthread_cleanup_push(clean, arg);
    volatile uint64_t x = 1;
    for (;;) {
        x = lcg_walk(x, 10000);
        pthread_testcancel();
    }
    pthread_cleanup_pop(1);
    return NULL;
}

static void cancellation(void) {
    void *(*bodies[])(void *) = {cancelled_in_wait, cancelled_while_computing};
    for (size_t i = 0; i < 2; i++) {
        pthread_t thread;
        void *result;
        must(pthread_create(&thread, NULL, bodies[i], (void *)(uintptr_t)10), "pthread_create");
        usleep(200000);
        must(pthread_cancel(thread), "pthread_cancel");
        must(pthread_join(thread, &result), "pthread_join");
        printf("%s, %u cleaned\n", result == PTHREAD_CANCELED ? "cancelled" : "not cancelled", cleaned);
    }
}

static pthread_mutex_t robust;
static void *die_holding(void *arg) {
    (void)arg;
    lock(&robust);
    lcg_walk(1, 1000000);
    return NULL;
}

static void robust_mutex(void) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    must(pthread_mutex_init(&robust, &attributes), "pthread_mutex_init");
    run_threads(1, die_holding);
    int error = pthread_mutex_lock(&robust);
    printf("the owner of the mutex %s\n", error == EOWNERDEAD ? "died" : strerror(error));
    must(pthread_mutex_consistent(&robust), "pthread_mutex_consistent");
    unlock(&robust);
}

static sem_t items;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static uint64_t guarded[2];
static _Atomic uint64_t taken;

static void *exchange(void *arg) {
    for (size_t i = 0; i < 200; i++) {
        if ((size_t)arg % 2) {
            sem_post(&items);
            pthread_rwlock_wrlock(&rwlock);
            guarded[0]++, guarded[1]++;
        } else {
            while (sem_wait(&items))
                ;
            taken++;
            pthread_rwlock_rdlock(&rwlock);
            if (guarded[0] != guarded[1])
                die("a reader saw half of a write");
        }
        pthread_rwlock_unlock(&rwlock);
    }
    return NULL;
}

static void *time_out(void *arg) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 100000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    lock(&blocked_lock);
    *(int *)arg = pthread_cond_timedwait(&never, &blocked_lock, &until);
    unlock(&blocked_lock);
    return NULL;
}

int main(int argc, char **argv) {
    size_t count = argc > 1 ? (size_t)atoi(argv[1]) : 8;
    must(pthread_key_create(&key, destroy), "pthread_key_create");
    results(count);
    detached_threads();
    cancellation();
    robust_mutex();
    sem_init(&items, 0, 0);
    run_threads(4, exchange);
    printf("%" PRIu64 " taken, %" PRIu64 " written\n", taken, guarded[0]);
    int error = 0;
    pthread_t thread;
    must(pthread_create(&thread, NULL, time_out, &error), "pthread_create");
    must(pthread_join(thread, NULL), "pthread_join");
    printf("waiting ended: %s\n", strerror(error));
    return 0;
}
