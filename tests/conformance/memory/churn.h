/* Mappings that change all the time between pages that others use meanwhile.
 *
 * The area alternates: pages of the users, pages that change. Whoever churns goes through all kinds of changes to the
 * latter, each followed by a look at what it must have done; the users write and verify theirs without pause. */
#ifndef CONFORM_CHURN_H
#define CONFORM_CHURN_H
#include "../crew.h"
#include "../pages.h"

enum { CHURN_LANES = 8, CHURN_PAGES = 3 };
static byte *churn_area;
static _Atomic int churn_over;
static _Atomic unsigned churn_uses;

static inline byte *churn_lane(int lane, int used) {
    return churn_area + (size_t)(2 * lane + !used) * CHURN_PAGES * PAGE;
}

static inline void churn_prepare(void) { churn_area = map_island(2 * CHURN_LANES * CHURN_PAGES); }

/* Writes and verifies the lanes that are this user's until the churning is over; returns how often. */
static inline unsigned churn_use(int me, int users) {
    unsigned round = 0;
    while (!churn_over || round < 4) {
        for (int lane = me; lane < CHURN_LANES; lane += users)
            for (size_t at = 0; at < CHURN_PAGES * PAGE; at += 61)
                churn_lane(lane, 1)[at] = pattern(round + (unsigned)lane, at);
        for (int lane = me; lane < CHURN_LANES; lane += users)
            for (size_t at = 0; at < CHURN_PAGES * PAGE; at += 61)
                if (churn_lane(lane, 1)[at] != pattern(round + (unsigned)lane, at))
                    die("user %d, round %u, lane %d, byte %zu", me, round, lane, at);
        round++;
        churn_uses++;
    }
    return round;
}

static inline void churn(int rounds) {
    const size_t length = CHURN_PAGES * PAGE;
    const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    byte *aside = map_island(CHURN_PAGES);
    for (int round = 0; round < rounds; round++) {
        byte *at = churn_lane(round % CHURN_LANES, 0);
        unsigned seed = (unsigned)(round + 900);
        /* Somebody uses the neighbours between any two changes. */
        for (unsigned before = churn_uses; churn_uses == before;)
            sched_yield();
        expect_zero(at, length);
        fill(at, length, seed);
        switch (round % 6) {
        case 0:
            check(munmap(at, length) == 0);
            check(mmap(at, length, PROT_READ | PROT_WRITE, anonymous, -1, 0) == at);
            break;
        case 1:
            check(mmap(at, length, PROT_READ | PROT_WRITE, anonymous, -1, 0) == at);
            break;
        case 2:
            check(madvise(at, length, MADV_DONTNEED) == 0);
            break;
        case 3:
            check(mprotect(at, length, PROT_NONE) == 0 && mprotect(at, length, PROT_READ) == 0);
            expect(at, length, seed);
            check(mprotect(at, length, PROT_READ | PROT_WRITE) == 0);
            memset(at, 0, length);
            break;
        case 4:
            check(mremap(at, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, aside) == aside);
            expect(aside, length, seed);
            check(mmap(at, length, PROT_READ | PROT_WRITE, anonymous, -1, 0) == at);
            break;
        default:
            check(mremap(at, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, aside) == aside);
            check(mremap(aside, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at);
            expect(at, length, seed);
            check(mmap(aside, length, PROT_READ | PROT_WRITE, anonymous, -1, 0) == aside);
            memset(at, 0, length);
        }
        expect_zero(at, length);
    }
    churn_over = 1;
}

#endif
