/* A read-write lock: readers share, a writer is alone, and nobody sees half of what a writer writes.
 * calls: futex */
#include "../conform.h"

enum { READERS = 4, WRITERS = 2, ROUNDS = 100, WORDS = 600 };

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static atomic_int readers, writers;
static long words[WORDS];

static void *read_all(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        must(pthread_rwlock_rdlock(&lock));
        atomic_fetch_add(&readers, 1);
        check(atomic_load(&writers) == 0);
        for (int j = 1; j < WORDS; j++)
            check(words[j] == words[0]);
        atomic_fetch_sub(&readers, 1);
        must(pthread_rwlock_unlock(&lock));
    }
    return arg;
}

static void *write_all(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        must(pthread_rwlock_wrlock(&lock));
        check(atomic_fetch_add(&writers, 1) == 0);
        check(atomic_load(&readers) == 0);
        for (int j = 0; j < WORDS; j++)
            words[j]++;
        atomic_fetch_sub(&writers, 1);
        must(pthread_rwlock_unlock(&lock));
    }
    return arg;
}

static pthread_barrier_t together;

/* Passes only if all readers are inside at once. */
static void *share(void *arg) {
    must(pthread_rwlock_rdlock(&lock));
    pthread_barrier_wait(&together);
    must(pthread_rwlock_unlock(&lock));
    return arg;
}

BODY {
    pthread_t threads[READERS + WRITERS];
    for (int i = 0; i < READERS + WRITERS; i++)
        threads[i] = spawn(i < WRITERS ? write_all : read_all, NULL);
    for (int i = 0; i < READERS + WRITERS; i++)
        join(threads[i]);
    say("written %ld times", words[WORDS - 1]);

    must(pthread_barrier_init(&together, NULL, READERS));
    for (int i = 0; i < READERS; i++)
        threads[i] = spawn(share, NULL);
    for (int i = 0; i < READERS; i++)
        join(threads[i]);
    say("%d readers were inside together", READERS);
    must(pthread_rwlock_destroy(&lock));
}
