/* The main thread moves the break over memory that other threads use: what comes back is empty.
 * calls: futex
 * home: the main thread makes the calls */
#define BODY_AT_HOME
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, ROUNDS = 12, PAGES = 6 };
static byte *base;

static byte *set_break(byte *to) { return (byte *)syscall(SYS_brk, to); }

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        meet(); /* there and empty */
        if (round % CREW == me) {
            expect_zero(base, PAGES * PAGE);
            fill(base, PAGES * PAGE, (unsigned)round);
        }
        meet();
        expect(base, PAGES * PAGE, (unsigned)round);
        meet();
    }
}

BODY {
    byte *now = set_break(NULL);
    base = (byte *)(((uintptr_t)now + PAGE - 1) / PAGE * PAGE);
    check(set_break(base) == base);
    crew_begin(CREW, 1, work);
    for (int round = 0; round < ROUNDS; round++) {
        check(set_break(base + PAGES * PAGE) == base + PAGES * PAGE);
        meet();
        meet();
        meet();
        check(set_break(base) == base);
    }
    crew_end();
    say("moved %d times", 2 * ROUNDS);
}
