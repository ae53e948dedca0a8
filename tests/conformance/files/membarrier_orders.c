/* membarrier in place of fences: with one side's barrier in the kernel, two threads never both miss the other's store.
 * calls: membarrier futex */
#include "../crew.h"

enum { QUERY = 0, GLOBAL = 1, EXPEDITED = 8, REGISTER_EXPEDITED = 16, CREW = 2, ROUNDS = 100 };

static struct {
    _Atomic int here;
} __attribute__((aligned(4096))) flags[CREW];
static int seen[CREW];

static int membarrier(int command) { return (int)syscall(SYS_membarrier, command, 0, 0); }

static void work(int me) {
    for (int round = 1; round <= ROUNDS; round++) {
        meet();
        atomic_store_explicit(&flags[me].here, round, memory_order_relaxed);
        if (me == 0)
            check(membarrier(EXPEDITED) == 0);
        else
            atomic_signal_fence(memory_order_seq_cst); /* the compiler only */
        seen[me] = atomic_load_explicit(&flags[1 - me].here, memory_order_relaxed);
        meet();
        check(seen[0] == round || seen[1] == round);
    }
}

BODY {
    int known = membarrier(QUERY);
    check(known > 0 && known & EXPEDITED);
    check(membarrier(EXPEDITED) == -1 && errno == EPERM);
    check(membarrier(REGISTER_EXPEDITED) == 0 && membarrier(EXPEDITED) == 0);
    check(membarrier(1 << 30) == -1 && errno == EINVAL);
    crew(CREW, work);
    say("%d rounds", ROUNDS);
}
