/* FUTEX_WAIT_BITSET waits until a moment on either clock, and is woken by bits in common only.
 * calls: futex */
#include "../crew.h"
#include "../pages.h"

enum { WAIT = 128 + 9, WAKE = 128 + 10, REALTIME = 256, CREW = 4 };
static _Atomic uint32_t *word;
static _Atomic int waiting, woken[CREW];

static long futex(int what, uint32_t value, const struct timespec *until, uint32_t bits) {
    return syscall(SYS_futex, word, what, value, until, NULL, bits);
}

static void work(int me) {
    clockid_t clock = me % 2 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    int on = WAIT | (me % 2 ? REALTIME : 0);
    struct timespec until, now;
    check(clock_gettime(clock, &until) == 0);
    until.tv_nsec += 15000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    check(futex(on, 1, &until, ~0u) == -1 && errno == ETIMEDOUT);
    check(clock_gettime(clock, &now) == 0);
    check(now.tv_sec > until.tv_sec || (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec));
    check(futex(on, 1, &until, ~0u) == -1 && errno == ETIMEDOUT); /* past */
    check(futex(on, 2, &until, ~0u) == -1 && errno == EAGAIN);
    check(futex(on, 1, &until, 0) == -1 && errno == EINVAL);
    meet();
    until.tv_sec += 30;
    waiting++;
    check(futex(on, 1, &until, 1u << me) == 0);
    woken[me] = 1;
}

BODY {
    word = (void *)map_island(1);
    *word = 1;
    crew_begin(CREW, 0, work);
    while (waiting < CREW)
        sleep_ms(1);
    for (int i = CREW - 1; i >= 0; i--) {
        check(futex(WAKE, 10, NULL, 1u << 20) == 0);
        while (futex(WAKE, 10, NULL, 1u << i) != 1)
            sleep_ms(1);
        while (!woken[i])
            sleep_ms(1);
        for (int other = 0; other < i; other++)
            check(!woken[other]);
    }
    crew_end();
    say("%d woken by their bits", CREW);
}
