/* The main thread unmaps pages that others use, and maps new ones in their place: others fault in between and find
 * them empty.
 * calls: futex
 * recalls: fault signal
 * home: the main thread makes the calls */
#define BODY_AT_HOME
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, ROUNDS = 16, PAGES = 7 };
static byte *area;

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        for (int page = me; page < PAGES; page += CREW)
            fill(area + (size_t)page * PAGE, PAGE, (unsigned)(round + page));
        meet();
        for (int page = 0; page < PAGES; page++)
            if ((page + me) % 2)
                expect(area + (size_t)page * PAGE, PAGE, (unsigned)(round + page));
        meet();
        meet(); /* unmapped in between */
        if (round % 8 == 7) {
            check(fault_of_read(area + 2 * PAGE) == SIGSEGV && fault_code == SEGV_MAPERR);
            check(fault_of_write(area + 4 * PAGE + 1, 1) == SIGSEGV && fault_code == SEGV_MAPERR);
            settle();
        }
        expect(area, 1, (unsigned)round);
        meet();
        meet(); /* mapped anew in between */
        if (round % 2)
            expect_zero(area + PAGE, 4 * PAGE);
        meet();
    }
}

BODY {
    catch_faults();
    area = map_island(PAGES);
    crew_begin(CREW, 1, work);
    for (int round = 0; round < ROUNDS; round++) {
        meet();
        meet();
        check(munmap(area + PAGE, 4 * PAGE) == 0);
        meet();
        meet();
        check(mmap(area + PAGE, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
              area + PAGE);
        meet();
        meet();
    }
    crew_end();
    say("unmapped %d times", ROUNDS);
}
