/* pthread_kill reaches exactly the thread it is sent to; a signal to the process reaches a thread that does not block
 * it, wherever that is.
 * calls: tkill kill
 * recalls: signal */
#include "signals.h"

enum { THREADS = 4, ROUNDS = 5 };

static atomic_int counts[THREADS], stop, ready, total;
static _Thread_local int me = -1;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    check(me >= 0);
    atomic_fetch_add(&counts[me], 1);
    atomic_fetch_add(&total, 1);
}

static void *work(void *arg) {
    me = (int)(long)arg;
    if (me == 2)
        unblock(SIGUSR2);
    atomic_fetch_add(&ready, 1);
    if (me % 2)
        while (!atomic_load(&stop))
            sleep_ms(1);
    else
        while (!atomic_load(&stop))
            ;
    return NULL;
}

__attribute__((constructor)) static void begin(void) {
    block_in_main(SIGUSR2);
}

BODY {
    handle(SIGUSR1, on_signal, 0);
    handle(SIGUSR2, on_signal, 0);
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++)
        threads[i] = spawn(work, (void *)i);
    spin_until(&ready, THREADS);
    for (int i = 0; i < ROUNDS * THREADS; i++) {
        must(pthread_kill(threads[i % THREADS], SIGUSR1));
        spin_until(&total, i + 1);
    }
    for (int i = 0; i < ROUNDS; i++) {
        check(kill(getpid(), SIGUSR2) == 0);
        spin_until(&total, ROUNDS * THREADS + i + 1);
    }
    for (int i = 0; i < THREADS; i++)
        say("thread %d: %d", i, counts[i]);
    atomic_store(&stop, 1);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
}
