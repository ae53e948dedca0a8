/* No write is lost: atomic counters and tokens that all threads change, and plain bytes, words and words across two
 * pages that one thread each changes, all next to each other. */
#ifndef STORM_COUNTERS_H
#define STORM_COUNTERS_H

#include "storm.h"

static struct {
    atomic_page added, exchanged, swapped, bits;
    _Atomic uint64_t steps[MAX_THREADS], tokens_held[MAX_THREADS];
} counters;

/* Four kinds of atomic change; tokens are moved from slot to slot and never lost or doubled. */
static void run_counters(int me) {
    uint64_t random = seed(me), steps = 0, token = 1ull << me % 60;
    if (me >= 60)
        token = 0;
    while (!over()) {
        uint64_t at = next_random(&random) % 16 * (WORDS / 16);
        atomic_fetch_add(&counters.added[at], 1);
        uint64_t old = atomic_load(&counters.swapped[at]);
        while (!atomic_compare_exchange_weak(&counters.swapped[at], &old, old + 1))
            ;
        token = atomic_exchange(&counters.exchanged[at], token);
        atomic_fetch_xor(&counters.bits[at], 1ull << me);
        check(atomic_fetch_xor(&counters.bits[at], 1ull << me) >> me & 1);
        steps++;
        got_on(me);
    }
    counters.steps[me] = steps;
    counters.tokens_held[me] = token;
}

static void verify_counters(void) {
    uint64_t steps = 0, added = 0, swapped = 0, tokens = 0, bits = 0, expected = 0;
    for (int i = 0; i < threads; i++) {
        steps += counters.steps[i];
        check((tokens & counters.tokens_held[i]) == 0);
        tokens |= counters.tokens_held[i];
        expected |= i < 60 ? 1ull << i : 0;
    }
    for (size_t at = 0; at < WORDS; at++) {
        added += counters.added[at];
        swapped += counters.swapped[at];
        check((tokens & counters.exchanged[at]) == 0);
        tokens |= counters.exchanged[at];
        bits |= counters.bits[at];
    }
    if (added != steps || swapped != steps || tokens != expected || bits != 0)
        die("steps %llu, added %llu, swapped %llu, tokens %llx, bits %llx", (unsigned long long)steps,
            (unsigned long long)added, (unsigned long long)swapped, (unsigned long long)tokens,
            (unsigned long long)bits);
}

/* Byte i, half word i, word i of these pages belong to thread i modulo the number of threads. */
static unsigned char bytes[2 * PAGE] __attribute__((aligned(4096)));
static plain_page words[2];
/* One word each that lies on two pages. */
static unsigned char across[(MAX_THREADS + 1) * PAGE] __attribute__((aligned(4096)));

static void run_neighbours(int me) {
    static const size_t strides[] = {1, 7, 64, 515};
    unsigned char wrote[2 * PAGE / 2] = {0};
    uint64_t random = seed(me), word = 0, round = 0, straddling = 0;
    unsigned char *mine_across = across + (size_t)(me + 1) * PAGE - 3;
    while (!over()) {
        size_t stride = strides[next_random(&random) % 4];
        for (size_t slot = next_random(&random) % 32; slot * (size_t)threads + (size_t)me < sizeof bytes && slot < sizeof wrote;
             slot += stride) {
            volatile unsigned char *byte = &bytes[slot * (size_t)threads + (size_t)me];
            if (*byte != wrote[slot])
                die("thread %d wrote %d and found %d", me, wrote[slot], *byte);
            *byte = ++wrote[slot];
        }
        for (size_t at = (size_t)me; at < WORDS; at += (size_t)threads * 13) {
            volatile uint64_t *a = &words[0][at], *b = &words[1][WORDS - 1 - at];
            check(*a == (at == (size_t)me ? word : *a) && *a == *b);
            *a = *b = at == (size_t)me ? word + 1 : round;
        }
        word++;
        round++;
        uint64_t found;
        memcpy(&found, mine_across, sizeof found);
        check(found == straddling);
        straddling = next_random(&random);
        memcpy(mine_across, &straddling, sizeof straddling);
        __asm__ volatile("" ::: "memory");
        got_on(me);
    }
}

static void verify_neighbours(void) {
    for (size_t at = 0; at < WORDS; at++)
        check(words[0][at] == words[1][WORDS - 1 - at]);
}

#endif
