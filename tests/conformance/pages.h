/* Pages, patterns in them, and faults that a program expects. */
#ifndef CONFORM_PAGES_H
#define CONFORM_PAGES_H
#include "conform.h"
#include <setjmp.h>

typedef unsigned char byte;

/* `pages` fresh anonymous pages, readable and writable. */
static inline byte *map_pages(size_t pages) {
    void *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(at != MAP_FAILED);
    return at;
}

/* `pages` fresh pages with two on each side that no one may touch, so that nothing else can come to lie there. */
static inline byte *map_island(size_t pages) {
    byte *at = mmap(NULL, (pages + 4) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(at != MAP_FAILED);
    check(mprotect(at + 2 * PAGE, pages * PAGE, PROT_READ | PROT_WRITE) == 0);
    return at + 2 * PAGE;
}

/* Byte `i` of the pattern `seed`; never 0. */
static inline byte pattern(unsigned seed, size_t i) {
    uint64_t x = (i + 1) * 0x9e3779b97f4a7c15u + seed * 0xc2b2ae3d27d4eb4fu;
    x ^= x >> 29;
    return (byte)(x * 0xbf58476d1ce4e5b9u >> 56) | 1;
}

static inline void fill(byte *at, size_t length, unsigned seed) {
    for (size_t i = 0; i < length; i++)
        at[i] = pattern(seed, i);
}

/* The bytes are those of the pattern. */
#define expect(at, length, seed)                                                                                       \
    do {                                                                                                               \
        const byte *expect_at = (at);                                                                                  \
        for (size_t expect_i = 0; expect_i < (size_t)(length); expect_i++)                                             \
            if (expect_at[expect_i] != pattern(seed, expect_i))                                                        \
                die("%s: byte %zu is %d, not %d of pattern %u", #at, expect_i, expect_at[expect_i],                    \
                    pattern(seed, expect_i), (unsigned)(seed));                                                        \
    } while (0)

/* The bytes are all 0. */
#define expect_zero(at, length)                                                                                        \
    do {                                                                                                               \
        const byte *expect_at = (at);                                                                                  \
        for (size_t expect_i = 0; expect_i < (size_t)(length); expect_i++)                                             \
            if (expect_at[expect_i] != 0)                                                                              \
                die("%s: byte %zu is %d, not 0", #at, expect_i, expect_at[expect_i]);                                  \
    } while (0)

static _Thread_local sigjmp_buf fault_back;
static _Thread_local volatile int fault_code;
static _Thread_local void *volatile fault_address;

static inline void fault_handler(int signal, siginfo_t *info, void *context) {
    (void)context;
    fault_code = info->si_code;
    fault_address = info->si_addr;
    siglongjmp(fault_back, signal);
}

/* From now on `fault_of_read` and `fault_of_write` may fault. */
static inline void catch_faults(void) {
    struct sigaction action = {.sa_sigaction = fault_handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    check(sigaction(SIGSEGV, &action, NULL) == 0);
    check(sigaction(SIGBUS, &action, NULL) == 0);
}

static inline int fault_is(int signal, const volatile void *at) {
    if (signal != 0 && fault_address != at)
        die("signal %d tells of %p, not %p", signal, fault_address, (void *)at);
    return signal;
}

/* The signal that reading this byte raises, or 0. */
static inline int fault_of_read(const volatile byte *at) {
    int signal = sigsetjmp(fault_back, 1);
    if (signal == 0)
        (void)*at;
    return fault_is(signal, at);
}

/* The signal that writing this byte raises, or 0. */
static inline int fault_of_write(volatile byte *at, byte value) {
    int signal = sigsetjmp(fault_back, 1);
    if (signal == 0)
        *at = value;
    return fault_is(signal, at);
}

#endif
