/* The break moves up and down by calls of any thread: memory above it is gone, and comes back empty.
 * calls: brk
 * recalls: fault signal */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, ROUNDS = 6, PAGES = 8 };
static byte *base;

/* musl's brk always fails; the kernel returns the break that now is. */
static byte *set_break(byte *to) { return (byte *)syscall(SYS_brk, to); }

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        if (round % CREW == me)
            check(set_break(base + PAGES * PAGE) == base + PAGES * PAGE);
        meet();
        if ((round + 1) % CREW == me) {
            expect_zero(base, PAGES * PAGE);
            fill(base, PAGES * PAGE, (unsigned)round);
        }
        meet();
        expect(base, PAGES * PAGE, (unsigned)round);
        meet();
        if ((round + 2) % CREW == me)
            check(set_break(base + 2 * PAGE) == base + 2 * PAGE);
        meet();
        expect(base, 2 * PAGE, (unsigned)round);
        if (round == 2) {
            check(fault_of_read(base + 2 * PAGE) == SIGSEGV);
            settle();
        }
        meet();
        if (round % CREW == me)
            check(set_break(base) == base);
        meet();
    }
}

BODY {
    catch_faults();
    byte *now = set_break(NULL);
    base = (byte *)(((uintptr_t)now + PAGE - 1) / PAGE * PAGE);
    check(set_break(base) == base);
    crew(CREW, work);
    say("moved %d times", ROUNDS);
}
