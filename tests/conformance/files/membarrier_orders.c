/* membarrier in place of fences: with one side's barrier in the kernel, two threads never both miss the other's store,
 * wherever they run: several pairs, of which some share a machine and some do not.
 * calls: membarrier futex */
#include "../crew.h"

enum { QUERY = 0, GLOBAL = 1, EXPEDITED = 8, REGISTER_EXPEDITED = 16, PAIRS = 3, ROUNDS = 60 };

typedef struct {
    _Atomic int value;
} __attribute__((aligned(4096))) cell;

static struct {
    cell flags[2];
    int seen[2];
} pairs[PAIRS];

static int membarrier(int command) { return (int)syscall(SYS_membarrier, command, 0, 0); }

static pthread_barrier_t barriers[PAIRS];

/* Both of a pair are here. */
static void together(int pair) {
    int result = pthread_barrier_wait(&barriers[pair]);
    check(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
}

/* Of a crew of six: 0 and 2, 1 and 3, which `static` puts on one board, and 4 and 5, which it does not. */
static void work(int me) {
    int pair = me < 4 ? me % 2 : 2, side = me < 4 ? me / 2 : me - 4;
    _Atomic int *mine = &pairs[pair].flags[side].value, *other = &pairs[pair].flags[1 - side].value;
    for (int round = 1; round <= ROUNDS; round++) {
        together(pair);
        atomic_store_explicit(mine, round, memory_order_relaxed);
        if (side == 0)
            check(membarrier(EXPEDITED) == 0);
        else
            atomic_signal_fence(memory_order_seq_cst); /* the compiler only */
        pairs[pair].seen[side] = atomic_load_explicit(other, memory_order_relaxed);
        together(pair);
        check(pairs[pair].seen[0] == round || pairs[pair].seen[1] == round);
        together(pair);
    }
    meet();
}

BODY {
    int known = membarrier(QUERY);
    check(known > 0 && known & EXPEDITED);
    check(membarrier(EXPEDITED) == -1 && errno == EPERM);
    check(membarrier(REGISTER_EXPEDITED) == 0 && membarrier(EXPEDITED) == 0);
    check(membarrier(1 << 30) == -1 && errno == EINVAL);
    check(membarrier(GLOBAL) == 0);
    for (int pair = 0; pair < PAIRS; pair++)
        must(pthread_barrier_init(&barriers[pair], NULL, 2));
    crew(2 * PAIRS, work);
    say("%d rounds", ROUNDS);
}
