/* Atomics of 1, 2, 4 and 8 bytes, side by side in one cache line: add, exchange, compare-exchange, bits and flags lose
 * nothing between threads.
 * calls: none */
#include "../conform.h"

enum { THREADS = 3, ROUNDS = 1500 };

static struct {
    atomic_uchar one;
    atomic_flag flag;
    atomic_ushort two;
    atomic_uint four;
    atomic_ulong eight;
    atomic_ulong compared;
    atomic_ulong bits;
    atomic_ulong exchanged;
    unsigned long flagged;
} line = {.flag = ATOMIC_FLAG_INIT};

static atomic_ulong swapped;

static void *work(void *arg) {
    long me = (long)arg;
    settle();
    unsigned long kept = 0;
    for (unsigned long i = 1; i <= ROUNDS; i++) {
        atomic_fetch_add(&line.one, 1);
        atomic_fetch_sub(&line.two, 3);
        atomic_fetch_add_explicit(&line.four, 5, memory_order_relaxed);
        atomic_fetch_add_explicit(&line.eight, 7, memory_order_acq_rel);
        unsigned long seen = atomic_load(&line.compared);
        while (!atomic_compare_exchange_weak(&line.compared, &seen, seen * 3 + 1))
            ;
        atomic_fetch_xor(&line.bits, 1ul << me);
        atomic_fetch_or(&line.bits, 1ul << (8 + me));
        atomic_fetch_and(&line.bits, ~(1ul << (16 + me)));
        kept += atomic_exchange(&line.exchanged, i);
        while (atomic_flag_test_and_set_explicit(&line.flag, memory_order_acquire))
            sched_yield();
        line.flagged++;
        atomic_flag_clear_explicit(&line.flag, memory_order_release);
    }
    atomic_fetch_add(&swapped, kept);
    return NULL;
}

BODY {
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++)
        threads[i] = spawn(work, (void *)i);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    unsigned long expected = 0;
    for (int i = 0; i < THREADS * ROUNDS; i++)
        expected = expected * 3 + 1;
    check(atomic_load(&line.compared) == expected);
    say("one %u, two %u, four %u, eight %lu", line.one, line.two, line.four, line.eight);
    say("bits %lx, exchanged %lu, flagged %lu", line.bits, swapped + line.exchanged, line.flagged);
}
