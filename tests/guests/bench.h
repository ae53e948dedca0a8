/* What the guests of the benchmarks share: clocks and the wait for a move. */
#ifndef BENCH_H
#define BENCH_H

#include "common.h"

#include <time.h>

static inline double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A counter that is read without the kernel, and so costs the same at home and on a board. */
static inline uint64_t counter(void) {
#if defined(__x86_64__)
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
    uint64_t value;
    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value)::"memory");
    return value;
#else
#error "no counter for this instruction set"
#endif
}

/* Compute for this long: a thread that policy `static` moves has arrived by then. Answers the counter's steps in a
 * second. */
static inline double settle(double seconds) {
    double begin = seconds_now();
    uint64_t first = counter();
    volatile uint64_t sink = 1;
    while (seconds_now() - begin < seconds)
        sink = lcg_walk(sink, 10000);
    return (double)(counter() - first) / (seconds_now() - begin);
}

static inline size_t number_at(int argc, char **argv, int at, size_t otherwise) {
    return argc > at ? (size_t)strtoull(argv[at], NULL, 10) : otherwise;
}

#endif
