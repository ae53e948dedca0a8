/* Linked structures whose nodes lie on many pages: a lock-free stack, and two double lists between which nodes are
 * spliced under a lock. No node is lost, doubled, or held by two threads. */
#ifndef STORM_LISTS_H
#define STORM_LISTS_H

#include "storm.h"

enum { NODES = 256 };

static struct node {
    _Atomic uint32_t next; /* node + 1 */
    _Atomic uint32_t holder;
    uint64_t uses;
    char rest[176];
} nodes[NODES] __attribute__((aligned(4096)));
/* Node + 1, and a count of changes above, so that a node that came back is not mistaken. */
static _Atomic uint64_t top __attribute__((aligned(4096)));
static _Atomic uint64_t popped;

static void push(uint32_t at) {
    uint64_t old = atomic_load(&top);
    do
        atomic_store(&nodes[at].next, (uint32_t)old);
    while (!atomic_compare_exchange_weak(&top, &old, ((old >> 32) + 1) << 32 | (at + 1)));
}

static bool pop(uint32_t *at) {
    uint64_t old = atomic_load(&top);
    do {
        if ((uint32_t)old == 0)
            return false;
        *at = (uint32_t)old - 1;
    } while (!atomic_compare_exchange_weak(&top, &old, ((old >> 32) + 1) << 32 | atomic_load(&nodes[*at].next)));
    return true;
}

static void run_stack(int me) {
    uint64_t count = 0, random = seed(me);
    uint32_t held[4];
    while (!over()) {
        int n = 0;
        while (n < 1 + (int)(next_random(&random) % 4) && n < 4 && pop(&held[n])) {
            uint32_t free = 0;
            check(atomic_compare_exchange_strong(&nodes[held[n]].holder, &free, (uint32_t)me + 1));
            nodes[held[n]].uses++;
            n++;
            count++;
        }
        while (n-- > 0) {
            check(atomic_exchange(&nodes[held[n]].holder, 0) == (uint32_t)me + 1);
            push(held[n]);
            got_on(me);
        }
    }
    popped += count;
}

static void verify_stack(void) {
    uint64_t uses = 0;
    uint32_t at, count = 0;
    while (pop(&at)) {
        check(nodes[at].holder == 0);
        nodes[at].holder = 1000;
        uses += nodes[at].uses;
        count++;
    }
    check(count == NODES && uses == popped);
}

static struct link {
    struct link *next, *previous;
    uint64_t moves;
    char rest[232];
} heads[2], links[NODES];
static atomic_bool list_lock __attribute__((aligned(4096)));
static _Atomic uint64_t moved;

static void unlink_node(struct link *link) {
    check(link->next->previous == link && link->previous->next == link);
    link->next->previous = link->previous;
    link->previous->next = link->next;
}

static void link_before(struct link *link, struct link *before) {
    check(before->previous->next == before);
    link->next = before;
    link->previous = before->previous;
    before->previous->next = link;
    before->previous = link;
}

static void run_lists(int me) {
    uint64_t random = seed(me), count = 0;
    for (unsigned spins = 0; !over();) {
        while (atomic_exchange_explicit(&list_lock, true, memory_order_acquire))
            relax(&spins);
        struct link *from = &heads[next_random(&random) % 2], *to = &heads[next_random(&random) % 2];
        struct link *link = next_random(&random) % 2 ? from->next : from->previous;
        if (link != from) {
            unlink_node(link);
            link_before(link, next_random(&random) % 2 ? to : to->next);
            link->moves++;
            count++;
        }
        atomic_store_explicit(&list_lock, false, memory_order_release);
        got_on(me);
    }
    moved += count;
}

static void verify_lists(void) {
    uint64_t moves = 0;
    int count = 0;
    for (int i = 0; i < 2; i++)
        for (struct link *link = heads[i].next; link != &heads[i]; link = link->next) {
            check(link->next->previous == link && count < NODES);
            moves += link->moves;
            count++;
        }
    check(count == NODES && moves == moved);
}

static void prepare_lists(void) {
    for (int i = 0; i < 2; i++)
        heads[i].next = heads[i].previous = &heads[i];
    for (uint32_t i = 0; i < NODES; i++) {
        link_before(&links[i], &heads[i % 2]);
        push(i);
    }
}

#endif
