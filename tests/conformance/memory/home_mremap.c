/* The main thread moves pages that others use, grows and shrinks them: others find all content at the new place.
 * calls: futex
 * recalls: fault signal
 * home: the main thread makes the calls */
#define BODY_AT_HOME
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, ROUNDS = 12, PAGES = 6, MORE = 4 };
static byte *area, *before;

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        for (int page = me; page < PAGES; page += CREW)
            fill(area + (size_t)page * PAGE, PAGE, (unsigned)(round + page));
        meet();
        meet(); /* moved and grown in between */
        for (int page = 0; page < PAGES; page++)
            expect(area + (size_t)page * PAGE, PAGE, (unsigned)(round + page));
        expect_zero(area + PAGES * PAGE, MORE * PAGE);
        if (round == 5) {
            check(fault_of_read(before + PAGE) == SIGSEGV && fault_code == SEGV_MAPERR);
            check(fault_of_write(before + 2 * PAGE, 1) == SIGSEGV && fault_code == SEGV_MAPERR);
            settle();
        }
        meet();
        for (int page = me; page < PAGES + MORE; page += CREW)
            fill(area + (size_t)page * PAGE, PAGE, (unsigned)(round + page + 40));
        meet();
        meet(); /* back in its old place, and shorter */
        for (int page = 0; page < PAGES; page++)
            expect(area + (size_t)page * PAGE, PAGE, (unsigned)(round + page + 40));
        meet();
    }
}

BODY {
    catch_faults();
    area = map_island(PAGES);
    crew_begin(CREW, 1, work);
    for (int round = 0; round < ROUNDS; round++) {
        meet();
        before = area;
        area = mremap(before, PAGES * PAGE, (PAGES + MORE) * PAGE, MREMAP_MAYMOVE);
        check(area != MAP_FAILED && area != before);
        meet();
        meet();
        meet();
        check(mremap(area, (PAGES + MORE) * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, before) == before);
        area = before;
        meet();
        meet();
    }
    crew_end();
    say("moved %d times", 2 * ROUNDS);
}
