/* sem_post, write and atomics in handlers wake threads that wait, while the interrupted thread is in a pthread call of
 * its own: what a handler may do, it can do anywhere.
 * calls: tkill futex
 * recalls: signal */
#include "signals.h"
#include <semaphore.h>

enum { ROUNDS = 20 };

static sem_t posted;
static int ends[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static atomic_int stop;
static long work_done;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    int saved = errno;
    check(write(ends[1], "h", 1) == 1);
    check(sem_post(&posted) == 0);
    errno = saved;
}

static void *lock_and_wait(void *arg) {
    while (!atomic_load(&stop)) {
        struct timespec until;
        check(clock_gettime(CLOCK_REALTIME, &until) == 0);
        until.tv_nsec += 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        must(pthread_mutex_lock(&mutex));
        int result = pthread_cond_timedwait(&cond, &mutex, &until);
        check(result == 0 || result == ETIMEDOUT);
        work_done++;
        must(pthread_mutex_unlock(&mutex));
    }
    return arg;
}

BODY {
    check(sem_init(&posted, 0, 0) == 0 && pipe(ends) == 0);
    handle(SIGUSR1, on_signal, 0);
    pthread_t thread = spawn(lock_and_wait, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        must(pthread_kill(thread, SIGUSR1));
        while (sem_wait(&posted) != 0)
            check(errno == EINTR);
        char c;
        check(read(ends[0], &c, 1) == 1 && c == 'h');
        must(pthread_mutex_lock(&mutex));
        must(pthread_cond_signal(&cond));
        must(pthread_mutex_unlock(&mutex));
    }
    /* It still does its work. */
    for (long work = 0; work == 0;) {
        must(pthread_mutex_lock(&mutex));
        work = work_done;
        must(pthread_mutex_unlock(&mutex));
    }
    atomic_store(&stop, 1);
    join(thread);
    say("posted %d", ROUNDS);
}
