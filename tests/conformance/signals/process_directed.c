/* A signal to the process, which all threads but one block, is handled by that one, in turn by different ones.
 * home: every thread's mask must be known, the main thread's too */
#define BODY_AT_HOME
#include "signals.h"

enum { THREADS = 3 };

static atomic_int taken[THREADS], total, ready, open_for = -1, closed = -1, stop;
static _Thread_local int me = -1;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    check(me >= 0);
    atomic_fetch_add(&taken[me], 1);
    atomic_fetch_add(&total, 1);
}

static void *work(void *arg) {
    me = (int)(long)arg;
    atomic_fetch_add(&ready, 1);
    while (!atomic_load(&stop)) {
        if (atomic_load(&open_for) == me) {
            unblock(SIGUSR1);
            atomic_store(&open_for, -2);
            while (atomic_load(&open_for) == -2)
                ;
            block(SIGUSR1);
            atomic_store(&closed, me);
        }
        sched_yield();
    }
    return NULL;
}

BODY {
    handle(SIGUSR1, on_signal, 0);
    block(SIGUSR1);
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++)
        threads[i] = spawn(work, (void *)i);
    spin_until(&ready, THREADS);
    settle();
    for (int i = 0; i < 2 * THREADS; i++) {
        int turn = i % THREADS;
        atomic_store(&open_for, turn);
        while (atomic_load(&open_for) != -2)
            sched_yield();
        check(kill(getpid(), SIGUSR1) == 0);
        spin_until(&total, i + 1);
        atomic_store(&closed, -1);
        atomic_store(&open_for, -1);
        while (atomic_load(&closed) != turn)
            sched_yield();
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < THREADS; i++) {
        join(threads[i]);
        say("thread %d: %d", i, taken[i]);
    }
}
