/* Locks made of atomics protect plain data on several pages: test-and-set, ticket, queue (MCS), the bakery (only loads
 * and stores, sequentially consistent), and sequence locks with readers. */
#ifndef STORM_LOCKS_H
#define STORM_LOCKS_H

#include "storm.h"

struct guarded {
    plain_page a, b, c;
};

/* What a holder does: all copies are equal before and after. */
static void change(struct guarded *data, int me) {
    volatile uint64_t *a = &data->a[0], *b = &data->b[WORDS - 1], *c = &data->c[WORDS / 2];
    uint64_t value = *a;
    if (*b != value || *c != value)
        die("thread %d found %llu, %llu, %llu", me, (unsigned long long)value, (unsigned long long)*b,
            (unsigned long long)*c);
    *c = value + 1;
    *a = value + 1;
    *b = value + 1;
}

static struct guarded by_spin, by_ticket, by_queue, by_bakery, by_sequence;
static _Atomic uint64_t changes[5];

static struct {
    atomic_bool taken;
    _Atomic uint32_t next, serving;
    _Atomic uint32_t tail; /* of the queue: thread + 1 */
} lock_words __attribute__((aligned(4096)));
static struct {
    _Atomic uint32_t next;
    atomic_bool waits;
    char rest[120];
} queue[MAX_THREADS];
static _Atomic uint32_t number[MAX_THREADS];
static atomic_bool choosing[MAX_THREADS];

/* Nothing makes this lock fair: who has it gives way after each round, or one machine's threads pass it among themselves. */
static void run_spin(int me) {
    uint64_t count = 0;
    for (unsigned spins = 0; !over(); count++) {
        while (atomic_exchange_explicit(&lock_words.taken, true, memory_order_acquire))
            relax(&spins);
        change(&by_spin, me);
        got_on(me);
        atomic_store_explicit(&lock_words.taken, false, memory_order_release);
        sched_yield();
    }
    changes[0] += count;
}

static void run_ticket(int me) {
    uint64_t count = 0;
    for (unsigned spins = 0; !over(); count++) {
        uint32_t mine = atomic_fetch_add(&lock_words.next, 1);
        while (atomic_load_explicit(&lock_words.serving, memory_order_acquire) != mine)
            relax(&spins);
        change(&by_ticket, me);
        got_on(me);
        atomic_store_explicit(&lock_words.serving, mine + 1, memory_order_release);
    }
    changes[1] += count;
}

static void run_queue(int me) {
    uint64_t count = 0;
    for (unsigned spins = 0; !over(); count++) {
        atomic_store(&queue[me].next, 0);
        atomic_store(&queue[me].waits, true);
        uint32_t before = atomic_exchange(&lock_words.tail, (uint32_t)me + 1);
        if (before != 0) {
            atomic_store(&queue[before - 1].next, (uint32_t)me + 1);
            while (atomic_load_explicit(&queue[me].waits, memory_order_acquire))
                relax(&spins);
        }
        change(&by_queue, me);
        got_on(me);
        uint32_t last = (uint32_t)me + 1;
        if (atomic_compare_exchange_strong(&lock_words.tail, &last, 0))
            continue;
        uint32_t after;
        while ((after = atomic_load(&queue[me].next)) == 0)
            relax(&spins);
        atomic_store_explicit(&queue[after - 1].waits, false, memory_order_release);
    }
    changes[2] += count;
}

/* Lamport's: it needs that no load passes an earlier store (sequential consistency between pages). */
static void run_bakery(int me) {
    uint64_t count = 0;
    for (unsigned spins = 0; !over(); count++) {
        atomic_store(&choosing[me], true);
        uint32_t largest = 0;
        for (int i = 0; i < threads; i++) {
            uint32_t n = atomic_load(&number[i]);
            largest = n > largest ? n : largest;
        }
        atomic_store(&number[me], largest + 1);
        atomic_store(&choosing[me], false);
        for (int i = 0; i < threads; i++) {
            while (atomic_load(&choosing[i]))
                relax(&spins);
            for (uint32_t n; (n = atomic_load(&number[i])) != 0 &&
                             (n < largest + 1 || (n == largest + 1 && i < me));)
                relax(&spins);
        }
        change(&by_bakery, me);
        got_on(me);
        atomic_store(&number[me], 0);
    }
    changes[3] += count;
}

static _Atomic uint64_t sequence __attribute__((aligned(4096)));

/* Even threads write, odd ones read. */
static void run_sequence(int me) {
    uint64_t count = 0, last = 0;
    unsigned spins = 0;
    while (!over()) {
        uint64_t at = atomic_load_explicit(&sequence, memory_order_acquire);
        if (at & 1) {
            relax(&spins);
            continue;
        }
        if (me % 2 == 0) {
            if (!atomic_compare_exchange_strong(&sequence, &at, at + 1))
                continue;
            change(&by_sequence, me);
            atomic_store_explicit(&sequence, at + 2, memory_order_release);
            count++;
            got_on(me);
            continue;
        }
        uint64_t a = __atomic_load_n(&by_sequence.a[0], __ATOMIC_ACQUIRE);
        uint64_t b = __atomic_load_n(&by_sequence.b[WORDS - 1], __ATOMIC_ACQUIRE);
        uint64_t c = __atomic_load_n(&by_sequence.c[WORDS / 2], __ATOMIC_ACQUIRE);
        if (atomic_load_explicit(&sequence, memory_order_acquire) != at)
            continue;
        if (a != b || b != c || a != at / 2 || at < last)
            die("thread %d read %llu, %llu, %llu at %llu", me, (unsigned long long)a, (unsigned long long)b,
                (unsigned long long)c, (unsigned long long)at);
        last = at;
        got_on(me);
    }
    changes[4] += count;
}

static void verify_locks(void) {
    struct guarded *all[] = {&by_spin, &by_ticket, &by_queue, &by_bakery, &by_sequence};
    for (int i = 0; i < 5; i++) {
        uint64_t value = all[i]->a[0];
        if (value != changes[i] || all[i]->b[WORDS - 1] != value || all[i]->c[WORDS / 2] != value)
            die("lock %d: %llu changes, value %llu", i, (unsigned long long)changes[i], (unsigned long long)value);
    }
}

#endif
