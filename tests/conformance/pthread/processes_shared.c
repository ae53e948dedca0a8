/* A robust process-shared mutex, a condition variable and a semaphore in memory that is shared with child processes:
 * one works with the parent's thread, one is killed while it owns the mutex.
 * recalls: unwatched-memory fork
 * calls: mmap wait4 */
#include "../conform.h"
#include <semaphore.h>

struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    sem_t ready;
    int turn, counter;
};

static void add_in_turn(struct shared *shared, int me) {
    for (int i = 0; i < 20; i++) {
        must(pthread_mutex_lock(&shared->mutex));
        while (shared->turn != me)
            must(pthread_cond_wait(&shared->changed, &shared->mutex));
        shared->counter++;
        shared->turn = !me;
        must(pthread_cond_broadcast(&shared->changed));
        must(pthread_mutex_unlock(&shared->mutex));
    }
}

BODY {
    struct shared *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(shared != MAP_FAILED);
    pthread_mutexattr_t attr;
    must(pthread_mutexattr_init(&attr));
    must(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
    must(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST));
    must(pthread_mutex_init(&shared->mutex, &attr));
    pthread_condattr_t cond;
    must(pthread_condattr_init(&cond));
    must(pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED));
    must(pthread_cond_init(&shared->changed, &cond));
    check(sem_init(&shared->ready, 1, 0) == 0);

    pid_t child = fork();
    check(child >= 0);
    if (child == 0) {
        add_in_turn(shared, 1);
        _exit(0);
    }
    add_in_turn(shared, 0);
    settle();
    int status;
    check(waitpid(child, &status, 0) == child && status == 0);
    say("counter %d", shared->counter);

    child = fork();
    check(child >= 0);
    if (child == 0) {
        must(pthread_mutex_lock(&shared->mutex));
        sem_post(&shared->ready);
        for (;;)
            pause();
    }
    check(sem_wait(&shared->ready) == 0);
    say("owned by the child, try: %s", strerror(pthread_mutex_trylock(&shared->mutex)));
    check(kill(child, SIGKILL) == 0);
    say("after its death: %s", strerror(pthread_mutex_lock(&shared->mutex)));
    must(pthread_mutex_consistent(&shared->mutex));
    must(pthread_mutex_unlock(&shared->mutex));
    check(waitpid(child, &status, 0) == child);
    say("child: signal %d", WTERMSIG(status));
}
