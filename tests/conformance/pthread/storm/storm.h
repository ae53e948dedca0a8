/* What the parts of the coherence storm share. A part is run by all threads at once until `over`, then verified by one.
 * Spinning threads yield now and then, so that a part also ends where threads outnumber processors. */
#ifndef STORM_H
#define STORM_H

#include "../../conform.h"

enum { MAX_THREADS = 64, WORDS = PAGE / sizeof(uint64_t) };

typedef uint64_t plain_page[WORDS] __attribute__((aligned(4096)));
typedef _Atomic uint64_t atomic_page[WORDS] __attribute__((aligned(4096)));

struct part {
    const char *name;
    void (*run)(int me);
    void (*verify)(void);
};

static int threads = 4;
static struct {
    atomic_bool over;
    char rest[PAGE - 1];
} flag __attribute__((aligned(4096)));

/* What each thread has done in the current part, on a page of its own. */
static struct {
    _Atomic uint64_t rounds;
    char rest[PAGE - 8];
} progress[MAX_THREADS] __attribute__((aligned(4096)));

static inline void got_on(int me) {
    atomic_fetch_add_explicit(&progress[me].rounds, 1, memory_order_relaxed);
}

/* Every thread has done a round since the part began. One that never does keeps the part from ending. */
static inline bool all_got_on(void) {
    for (int i = 0; i < threads; i++)
        if (atomic_load_explicit(&progress[i].rounds, memory_order_relaxed) == 0)
            return false;
    return true;
}

static inline bool over(void) {
    return atomic_load_explicit(&flag.over, memory_order_acquire);
}

static inline void relax(unsigned *spins) {
    if (++*spins % 64 == 0)
        sched_yield();
}

/* Numbers that differ between threads and steps. */
static inline uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline uint64_t seed(int me) {
    return 0x9e3779b97f4a7c15ull * (uint64_t)(me + 1);
}

#endif
