/* futex_waitv waits for several words at once and tells which one woke it; where the kernel has none, says so.
 * calls: futex_waitv futex */
#include "../crew.h"
#include "../pages.h"
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

struct waiter {
    uint64_t value, word;
    uint32_t flags, reserved;
};
enum { WORDS = 4, PRIVATE = 2 | 128, WAKE = 129, CREW = 2, ROUNDS = 12 };
static _Atomic uint32_t *words[WORDS];
static _Atomic int told = -1;

static long wait_all(const uint32_t values[WORDS], long ms) {
    struct waiter waiters[WORDS];
    for (int i = 0; i < WORDS; i++)
        waiters[i] = (struct waiter){values[i], (uintptr_t)words[i], PRIVATE, 0};
    struct timespec until;
    check(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_nsec += ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return syscall(SYS_futex_waitv, waiters, WORDS, 0, &until, CLOCK_MONOTONIC);
}

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        int which = (round * 3) % WORDS;
        if (me == 0) {
            uint32_t values[WORDS];
            for (int i = 0; i < WORDS; i++)
                values[i] = *words[i];
            meet();
            long got = wait_all(values, 600000);
            /* Changed before it slept, or woken by this word. */
            check(got == which || (got == -1 && errno == EAGAIN));
            told = round;
        } else {
            meet();
            if (round % 2)
                sleep_ms(3);
            ++*words[which];
            while (told < round)
                syscall(SYS_futex, words[which], WAKE, 10, NULL, NULL, 0);
        }
        meet();
    }
}

BODY {
    byte *area = map_island(WORDS);
    for (int i = 0; i < WORDS; i++) {
        words[i] = (void *)(area + (size_t)i * PAGE + 128);
        *words[i] = (uint32_t)i;
    }
    uint32_t values[WORDS] = {0, 1, 2, 3};
    long result = wait_all(values, 10);
    if (result == -1 && errno == ENOSYS) {
        say("no futex_waitv here");
        return;
    }
    check(result == -1 && errno == ETIMEDOUT);
    values[2] = 9;
    check(wait_all(values, 10) == -1 && errno == EAGAIN);
    crew(CREW, work);
    say("%d rounds", ROUNDS);
}
