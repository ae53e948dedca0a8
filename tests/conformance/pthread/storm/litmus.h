/* Litmus tests: what sequentially consistent atomics forbid, with the variables on one page and on different ones. A
 * round is many cells, each a test of its own; threads go through them in the same order without waiting for each
 * other, and the first thread of a group judges after the round. */
#ifndef STORM_LITMUS_H
#define STORM_LITMUS_H

#include "storm.h"

enum { CELLS = 64, GROUP = 4, GROUPS = MAX_THREADS / GROUP };

/* x and y of one cell are on different pages in `apart`, beside each other in `together`. */
struct cell {
    _Atomic uint32_t x, y;
};
struct group {
    atomic_page x, y, z;
    struct cell together[WORDS] __attribute__((aligned(4096)));
    uint32_t seen[GROUP][CELLS][2] __attribute__((aligned(4096)));
    _Atomic uint32_t arrived, round;
    _Atomic bool stop;
};
static struct group groups[GROUPS];

static uint64_t stride_of(int round) {
    return round % 2 ? WORDS / CELLS : 1;
}

/* The members of a group meet; the last to arrive does `judge` before the others go on. */
static void meet(struct group *group, void (*judge)(struct group *)) {
    unsigned spins = 0;
    uint32_t round = atomic_load(&group->round);
    if (atomic_fetch_add(&group->arrived, 1) == GROUP - 1) {
        if (judge)
            judge(group);
        atomic_store(&group->arrived, 0);
        atomic_store(&group->round, round + 1);
        return;
    }
    while (atomic_load(&group->round) == round)
        relax(&spins);
}

static void clear(struct group *group) {
    for (size_t i = 0; i < WORDS; i++) {
        atomic_store_explicit(&group->x[i], 0, memory_order_relaxed);
        atomic_store_explicit(&group->y[i], 0, memory_order_relaxed);
        atomic_store_explicit(&group->z[i], 0, memory_order_relaxed);
        atomic_store_explicit(&group->together[i].x, 0, memory_order_relaxed);
        atomic_store_explicit(&group->together[i].y, 0, memory_order_relaxed);
    }
    group->stop = over();
}

#define FORBID(condition)                                                                                              \
    do {                                                                                                               \
        if (condition)                                                                                                 \
            die("cell %d: %s", i, #condition);                                                                         \
    } while (0)
#define SEEN(member) (group->seen[member][i])

/* Store buffering: each stores its own and loads the other's; one of them sees the other's store. Members 0 and 1 on
 * different pages, 2 and 3 on one. */
static void judge_buffering(struct group *group) {
    for (int i = 0; i < CELLS; i++) {
        FORBID(SEEN(0)[0] == 0 && SEEN(1)[0] == 0);
        FORBID(SEEN(2)[0] == 0 && SEEN(3)[0] == 0);
    }
    clear(group);
}
static void buffering(struct group *group, int member, uint64_t stride) {
    for (uint64_t i = 0, at = 0; i < CELLS; i++, at += stride) {
        uint32_t *seen = group->seen[member][i];
        switch (member) {
        case 0:
            atomic_store(&group->x[at], 1);
            seen[0] = (uint32_t)atomic_load(&group->y[at]);
            break;
        case 1:
            atomic_store(&group->y[at], 1);
            seen[0] = (uint32_t)atomic_load(&group->x[at]);
            break;
        case 2:
            atomic_store(&group->together[at].x, 1);
            seen[0] = atomic_load(&group->together[at].y);
            break;
        default:
            atomic_store(&group->together[at].y, 1);
            seen[0] = atomic_load(&group->together[at].x);
        }
    }
}

/* Message passing: who sees the second store sees the first. Member 1 reads what 0 wrote to different pages, 3 what 2
 * wrote to one; here release and acquire suffice. */
static void judge_passing(struct group *group) {
    for (int i = 0; i < CELLS; i++) {
        FORBID(SEEN(1)[0] == 1 && SEEN(1)[1] == 0);
        FORBID(SEEN(3)[0] == 1 && SEEN(3)[1] == 0);
    }
    clear(group);
}
static void passing(struct group *group, int member, uint64_t stride) {
    for (uint64_t i = 0, at = 0; i < CELLS; i++, at += stride) {
        uint32_t *seen = group->seen[member][i];
        switch (member) {
        case 0:
            atomic_store_explicit(&group->x[at], 1, memory_order_release);
            atomic_store_explicit(&group->y[at], 1, memory_order_release);
            break;
        case 1:
            seen[0] = (uint32_t)atomic_load_explicit(&group->y[at], memory_order_acquire);
            seen[1] = (uint32_t)atomic_load_explicit(&group->x[at], memory_order_acquire);
            break;
        case 2:
            atomic_store_explicit(&group->together[at].x, 1, memory_order_release);
            atomic_store_explicit(&group->together[at].y, 1, memory_order_release);
            break;
        default:
            seen[0] = atomic_load_explicit(&group->together[at].y, memory_order_acquire);
            seen[1] = atomic_load_explicit(&group->together[at].x, memory_order_acquire);
        }
    }
}

/* Independent reads of independent writes: two readers agree which store came first. */
static void judge_independent(struct group *group) {
    for (int i = 0; i < CELLS; i++)
        FORBID(SEEN(2)[0] == 1 && SEEN(2)[1] == 0 && SEEN(3)[0] == 1 && SEEN(3)[1] == 0);
    clear(group);
}
static void independent_apart(struct group *group, int member, uint64_t stride) {
    for (uint64_t i = 0, at = 0; i < CELLS; i++, at += stride) {
        uint32_t *seen = group->seen[member][i];
        if (member < 2) {
            atomic_store(member == 0 ? &group->x[at] : &group->y[at], 1);
            continue;
        }
        seen[0] = (uint32_t)atomic_load(member == 2 ? &group->x[at] : &group->y[at]);
        seen[1] = (uint32_t)atomic_load(member == 2 ? &group->y[at] : &group->x[at]);
    }
}
static void independent_together(struct group *group, int member, uint64_t stride) {
    for (uint64_t i = 0, at = 0; i < CELLS; i++, at += stride) {
        uint32_t *seen = group->seen[member][i];
        struct cell *cell = &group->together[at];
        if (member < 2) {
            atomic_store(member == 0 ? &cell->x : &cell->y, 1);
            continue;
        }
        seen[0] = atomic_load(member == 2 ? &cell->x : &cell->y);
        seen[1] = atomic_load(member == 2 ? &cell->y : &cell->x);
    }
}

/* Write to read causality over three pages: member 1 passes on what it saw of 0; whoever sees 1's store sees 0's. And
 * one location never goes back for a reader (member 3). */
static void judge_causality(struct group *group) {
    for (int i = 0; i < CELLS; i++) {
        FORBID(SEEN(1)[0] == 1 && SEEN(2)[0] == 1 && SEEN(2)[1] == 0);
        FORBID(SEEN(3)[0] > SEEN(3)[1]);
    }
    clear(group);
}
static void causality(struct group *group, int member, uint64_t stride) {
    for (uint64_t i = 0, at = 0; i < CELLS; i++, at += stride) {
        uint32_t *seen = group->seen[member][i];
        switch (member) {
        case 0:
            atomic_store(&group->z[0], i + 1);
            atomic_store(&group->x[at], 1);
            break;
        case 1:
            seen[0] = (uint32_t)atomic_load(&group->x[at]);
            atomic_store(&group->y[at], seen[0]);
            break;
        case 2:
            seen[0] = (uint32_t)atomic_load(&group->y[at]);
            seen[1] = (uint32_t)atomic_load(&group->x[at]);
            break;
        default:
            seen[0] = (uint32_t)atomic_load(&group->z[0]);
            seen[1] = (uint32_t)atomic_load(&group->z[0]);
        }
    }
}

typedef void step(struct group *, int, uint64_t);

/* Threads that fill no group disturb the pages of the others. */
static void disturb(int me) {
    struct group *group = &groups[me % (threads / GROUP)];
    for (unsigned n = 0; !over(); relax(&n), got_on(me))
        atomic_store(&group->together[WORDS - 1].x, n);
}

static void run_litmus(int me, step *step, void (*judge)(struct group *)) {
    if (me >= threads / GROUP * GROUP) {
        got_on(me);
        if (threads >= GROUP)
            disturb(me);
        return;
    }
    struct group *group = &groups[me / GROUP];
    atomic_store(&group->stop, false);
    meet(group, clear);
    for (int round = 0; !atomic_load(&group->stop); round++) {
        step(group, me % GROUP, stride_of(round));
        meet(group, judge);
        got_on(me);
    }
    meet(group, NULL);
}

static void run_buffering(int me) {
    run_litmus(me, buffering, judge_buffering);
}
static void run_passing(int me) {
    run_litmus(me, passing, judge_passing);
}
static void run_independent(int me) {
    run_litmus(me, independent_apart, judge_independent);
}
static void run_independent_together(int me) {
    run_litmus(me, independent_together, judge_independent);
}
static void run_causality(int me) {
    run_litmus(me, causality, judge_causality);
}

#endif
