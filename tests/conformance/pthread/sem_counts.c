/* Unnamed semaphores: values, trying, overflow, ping-pong, and many posters and waiters whose counts agree.
 * calls: futex */
#include "../conform.h"
#include <limits.h>
#include <semaphore.h>

enum { THREADS = 3, ROUNDS = 150 };

static sem_t ping, pong, shared;
static atomic_int taken;

static void *answer(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        check(sem_wait(&ping) == 0);
        ++*(volatile int *)arg;
        check(sem_post(&pong) == 0);
    }
    return NULL;
}

static void *post(void *arg) {
    for (int i = 0; i < ROUNDS; i++)
        check(sem_post(&shared) == 0);
    return arg;
}

static void *take(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        check(sem_wait(&shared) == 0);
        atomic_fetch_add(&taken, 1);
    }
    return arg;
}

static int value_of(sem_t *sem) {
    int value;
    check(sem_getvalue(sem, &value) == 0);
    return value;
}

BODY {
    check(sem_init(&ping, 0, 2) == 0 && sem_init(&pong, 0, 0) == 0 && sem_init(&shared, 0, 0) == 0);
    say("value %d", value_of(&ping));
    check(sem_trywait(&ping) == 0 && sem_trywait(&ping) == 0);
    check(sem_trywait(&ping) == -1);
    say("value %d, try: %s", value_of(&ping), strerror(errno));

    int answers = 0;
    pthread_t thread = spawn(answer, &answers);
    for (int i = 0; i < ROUNDS; i++) {
        check(sem_post(&ping) == 0);
        check(sem_wait(&pong) == 0);
        check(answers == i + 1);
    }
    join(thread);
    say("answers %d", answers);

    pthread_t threads[2 * THREADS];
    for (int i = 0; i < 2 * THREADS; i++)
        threads[i] = spawn(i < THREADS ? take : post, NULL);
    for (int i = 0; i < 2 * THREADS; i++)
        join(threads[i]);
    say("taken %d, value %d", taken, value_of(&shared));

    sem_t most;
    check(sem_init(&most, 0, SEM_VALUE_MAX) == 0);
    check(sem_post(&most) == -1);
    say("too many: %s", strerror(errno));
    check(sem_init(&most, 0, SEM_VALUE_MAX + 1u) == -1);
    say("too large: %s", strerror(errno));
    check(sem_destroy(&ping) == 0 && sem_destroy(&pong) == 0 && sem_destroy(&shared) == 0);
}
