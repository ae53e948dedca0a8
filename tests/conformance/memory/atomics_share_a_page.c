/* Atomics of all sizes beside each other on one page: every operation of every thread counts, once.
 * calls: futex */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 4, ROUNDS = 1500 };
static struct {
    _Atomic uint8_t small[CREW];
    _Atomic uint16_t medium;
    _Atomic uint32_t sum;
    _Atomic uint64_t exchanged;
    _Atomic uint32_t bits;
    _Atomic int lock;
    uint64_t guarded, guarded_too;
    uint32_t own[CREW];
} *page;

static void work(int me) {
    for (int i = 0; i < ROUNDS; i++) {
        page->small[me]++;
        page->medium++;
        atomic_fetch_add_explicit(&page->sum, 3, memory_order_relaxed);
        page->own[me]++;
        atomic_fetch_xor(&page->bits, 1u << (me + 4 * (i % 8)));
        uint64_t old = page->exchanged;
        while (!atomic_compare_exchange_weak(&page->exchanged, &old, old + 5))
            ;
        if (i % 4 == 0) {
            int spins = 0;
            while (atomic_exchange_explicit(&page->lock, 1, memory_order_acquire))
                if (++spins % 64 == 0)
                    sched_yield();
            page->guarded++;
            page->guarded_too += 2;
            atomic_store_explicit(&page->lock, 0, memory_order_release);
        }
    }
}

BODY {
    page = (void *)map_island(1);
    crew(CREW, work);
    for (int i = 0; i < CREW; i++)
        check(page->small[i] == (uint8_t)ROUNDS && page->own[i] == ROUNDS);
    say("%u %u %lu %08x %lu %lu", page->medium, page->sum, (unsigned long)page->exchanged, page->bits,
        (unsigned long)page->guarded, (unsigned long)page->guarded_too);
}
