/* Thread-specific data: a value for each thread, destructors at its end, again while they set values anew, never for a
 * deleted key; keys run out at their limit and can be used again.
 * calls: futex */
#include "../conform.h"
#include <limits.h>

enum { THREADS = 4 };

static pthread_key_t key, stubborn, deleted;
static atomic_int destroyed, rounds, wrong;

static void destroy(void *value) { atomic_fetch_add(&destroyed, (int)(long)value); }

static void set_again(void *value) {
    atomic_fetch_add(&rounds, 1);
    must(pthread_setspecific(stubborn, value));
}

static void must_not(void *value) {
    (void)value;
    atomic_fetch_add(&wrong, 1);
}

static void *work(void *arg) {
    check(pthread_getspecific(key) == NULL);
    must(pthread_setspecific(key, arg));
    compute_ms(2);
    sched_yield();
    check(pthread_getspecific(key) == arg);
    return NULL;
}

static void *be_stubborn(void *arg) {
    must(pthread_setspecific(stubborn, "value"));
    must(pthread_setspecific(deleted, "value"));
    must(pthread_key_delete(deleted));
    return arg;
}

BODY {
    must(pthread_key_create(&key, destroy));
    must(pthread_key_create(&stubborn, set_again));
    must(pthread_key_create(&deleted, must_not));
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++)
        threads[i] = spawn(work, (void *)(i + 1));
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    say("destroyed %d", destroyed);
    join(spawn(be_stubborn, NULL));
    check(rounds == PTHREAD_DESTRUCTOR_ITERATIONS);
    say("rounds %d, wrong %d", rounds, wrong);

    pthread_key_t keys[PTHREAD_KEYS_MAX + 1];
    int count = 0, error;
    while (count <= PTHREAD_KEYS_MAX && (error = pthread_key_create(&keys[count], NULL)) == 0)
        count++;
    say("no more keys: %s", strerror(error));
    for (int i = 0; i < count; i++) {
        check(pthread_getspecific(keys[i]) == NULL);
        must(pthread_key_delete(keys[i]));
    }
    must(pthread_key_create(&deleted, NULL));
    check(pthread_getspecific(deleted) == NULL);
}
