/* Pages that the main thread makes read-only stay so for threads that had written them a moment before, with no fault
 * in between.
 * calls: futex
 * recalls: fault signal
 * home: the main thread makes the calls */
#define BODY_AT_HOME
#include "../crew.h"
#include "../pages.h"

enum { CREW = 2, ROUNDS = 12, PAGES = 4 };
static byte *area[ROUNDS];

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        if (me == round % CREW)
            fill(area[round], PAGES * PAGE, (unsigned)round);
        meet();
        meet(); /* closed in between */
        expect(area[round], PAGES * PAGE, (unsigned)round);
        meet();
    }
    /* All faults at the end, on pages closed long before and just now. */
    for (int round = me; round < ROUNDS; round += CREW)
        for (int page = 0; page < PAGES; page++)
            check(fault_of_write(area[round] + (size_t)page * PAGE + 1, 0) == SIGSEGV && fault_code == SEGV_ACCERR);
    meet();
    for (int round = 0; round < ROUNDS; round++)
        expect(area[round], PAGES * PAGE, (unsigned)round);
}

BODY {
    catch_faults();
    for (int round = 0; round < ROUNDS; round++)
        area[round] = map_island(PAGES);
    crew_begin(CREW, 1, work);
    for (int round = 0; round < ROUNDS; round++) {
        meet();
        check(mprotect(area[round], PAGES * PAGE, PROT_READ) == 0);
        meet();
        meet();
    }
    meet();
    crew_end();
    say("%d times read-only", ROUNDS);
}
