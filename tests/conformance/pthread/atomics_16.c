/* 16-byte compare-and-swap (cmpxchg16b, ldaxp/stlxp): both halves change together, none of the changes is lost.
 * calls: none */
#include "../conform.h"

enum { THREADS = 3, ROUNDS = 1000 };

struct pair {
    uint64_t low, high;
};

static _Alignas(16) struct pair shared;

/* Stores `new` if *at is *old; else fetches *at into *old. */
static bool swap(struct pair *at, struct pair *old, struct pair new) {
#if defined(__x86_64__)
    bool done;
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(done), "+m"(*at), "+a"(old->low), "+d"(old->high)
                     : "b"(new.low), "c"(new.high)
                     : "memory");
    return done;
#elif defined(__aarch64__)
    for (;;) {
        struct pair seen;
        uint32_t failed;
        __asm__ volatile("ldaxp %0, %1, %2" : "=&r"(seen.low), "=&r"(seen.high) : "Q"(*at) : "memory");
        bool same = seen.low == old->low && seen.high == old->high;
        struct pair put = same ? new : seen; /* only a pair that could be stored was read at once */
        __asm__ volatile("stlxp %w0, %2, %3, %1" : "=&r"(failed), "=Q"(*at) : "r"(put.low), "r"(put.high) : "memory");
        if (failed)
            continue;
        *old = seen;
        return same;
    }
#else
#error "no 16-byte compare-and-swap is written for this ISA"
#endif
}

static void *work(void *arg) {
    settle();
    struct pair seen = {0, 0};
    for (int i = 0; i < ROUNDS; i++) {
        struct pair next;
        do {
            check(seen.high == seen.low * 3);
            next = (struct pair){seen.low + 1, seen.high + 3};
        } while (!swap(&shared, &seen, next));
        seen = next;
    }
    return arg;
}

BODY {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = spawn(work, NULL);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    say("low %lu, high %lu", (unsigned long)shared.low, (unsigned long)shared.high);
}
