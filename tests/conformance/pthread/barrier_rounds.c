/* A barrier: nobody passes before all have come, in every round one thread is the serial one, and the barrier can be
 * destroyed as soon as one has passed for the last time.
 * calls: futex */
#include "../conform.h"

enum { THREADS = 4, ROUNDS = 60 };

static pthread_barrier_t barrier;
static atomic_int arrived, serial;

static void *walk(void *arg) {
    settle();
    for (int i = 0; i < ROUNDS; i++) {
        atomic_fetch_add(&arrived, 1);
        int result = pthread_barrier_wait(&barrier);
        check(atomic_load(&arrived) >= (i + 1) * THREADS);
        if (result == PTHREAD_BARRIER_SERIAL_THREAD)
            atomic_fetch_add(&serial, 1);
        else
            check(result == 0);
    }
    return arg;
}

static void *last_one_destroys(void *arg) {
    pthread_barrier_t *once = arg;
    if (pthread_barrier_wait(once) == PTHREAD_BARRIER_SERIAL_THREAD) {
        must(pthread_barrier_destroy(once));
        memset(once, 0x77, sizeof *once);
    }
    return NULL;
}

BODY {
    must(pthread_barrier_init(&barrier, NULL, THREADS));
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = spawn(walk, NULL);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    say("arrived %d, serial %d", arrived, serial);
    must(pthread_barrier_destroy(&barrier));

    for (int i = 0; i < 10; i++) {
        pthread_barrier_t once;
        must(pthread_barrier_init(&once, NULL, 3));
        for (int j = 0; j < 3; j++)
            threads[j] = spawn(last_one_destroys, &once);
        for (int j = 0; j < 3; j++)
            join(threads[j]);
        for (size_t j = 0; j < sizeof once; j++)
            check(((unsigned char *)&once)[j] == 0x77);
    }
    say("destroyed by the serial thread");
    say("of none: %s", strerror(pthread_barrier_init(&barrier, NULL, 0)));
}
