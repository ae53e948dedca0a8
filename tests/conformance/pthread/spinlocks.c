/* Spinlocks exclude, and can be tried. No system call is made for them, so that nothing but the pages' travel brings
 * the next owner its lock.
 * calls: none */
#include "../conform.h"

enum { THREADS = 2, ROUNDS = 1000 };

static pthread_spinlock_t lock;
static long counter;

static void *spin(void *arg) {
    settle();
    for (int i = 0; i < ROUNDS; i++) {
        must(pthread_spin_lock(&lock));
        counter++;
        must(pthread_spin_unlock(&lock));
    }
    return arg;
}

static void *try_it(void *arg) {
    int *result = arg;
    *result = pthread_spin_trylock(&lock);
    return NULL;
}

BODY {
    must(pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE));
    must(pthread_spin_lock(&lock));
    int result;
    join(spawn(try_it, &result));
    say("held, try: %s", strerror(result));
    must(pthread_spin_unlock(&lock));
    must(pthread_spin_trylock(&lock));
    must(pthread_spin_unlock(&lock));

    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = spawn(spin, NULL);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    say("counter %ld", counter);
    must(pthread_spin_destroy(&lock));
}
