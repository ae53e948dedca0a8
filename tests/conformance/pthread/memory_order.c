/* What the memory model promises, between threads that share variables on one page and on two: a released message is
 * seen whole, and of two threads that store and then look at each other's store, one sees it.
 * calls: none */
#include "../conform.h"

enum { ROUNDS = 200 };

static _Alignas(4096) struct {
    atomic_int data, flag;
    _Alignas(4096) atomic_int x;
    _Alignas(4096) atomic_int y;
    _Alignas(4096) atomic_int saw_x, saw_y, begin, end;
} far;

static struct {
    atomic_int x, y, saw_x, saw_y;
} near;

static void wait_for(atomic_int *where, int value) {
    while (atomic_load(where) < value)
        sched_yield();
}

static void *store_y(void *arg) {
    for (int i = 1; i <= ROUNDS; i++) {
        wait_for(&far.begin, i);
        atomic_store(&far.y, i);
        atomic_store(&far.saw_x, atomic_load(&far.x));
        atomic_store_explicit(&near.y, i, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
        atomic_store_explicit(&near.saw_x, atomic_load_explicit(&near.x, memory_order_relaxed), memory_order_relaxed);
        atomic_fetch_add(&far.end, 1);
    }
    return arg;
}

static void *receive(void *arg) {
    for (int i = 1; i <= ROUNDS; i++) {
        while (atomic_load_explicit(&far.flag, memory_order_acquire) < i)
            sched_yield();
        check(atomic_load_explicit(&far.data, memory_order_relaxed) >= i);
    }
    return arg;
}

BODY {
    pthread_t thread = spawn(store_y, NULL);
    for (int i = 1; i <= ROUNDS; i++) {
        atomic_store(&far.begin, i);
        atomic_store(&far.x, i);
        atomic_store(&far.saw_y, atomic_load(&far.y));
        atomic_store_explicit(&near.x, i, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
        atomic_store_explicit(&near.saw_y, atomic_load_explicit(&near.y, memory_order_relaxed), memory_order_relaxed);
        wait_for(&far.end, i);
        check(far.saw_x == i || far.saw_y == i);
        check(near.saw_x == i || near.saw_y == i);
    }
    join(thread);
    thread = spawn(receive, NULL);
    for (int i = 1; i <= 10 * ROUNDS; i++) {
        atomic_store_explicit(&far.data, i, memory_order_relaxed);
        atomic_store_explicit(&far.flag, i, memory_order_release);
    }
    join(thread);
    say("stored %d, sent %d", far.x, far.flag);
}
