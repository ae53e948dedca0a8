/* The main thread empties pages that other threads have used with MADV_DONTNEED: all see them empty, and only these.
 * calls: futex
 * home: the main thread makes the calls */
#define BODY_AT_HOME
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, ROUNDS = 20, PAGES = 9 };
static byte *area;

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        /* Some pages are read by all, some only written by one. */
        for (int page = me; page < PAGES; page += CREW)
            fill(area + (size_t)page * PAGE, PAGE, (unsigned)(round + page));
        meet();
        if (round % 2)
            for (int page = 0; page < PAGES; page++)
                expect(area + (size_t)page * PAGE, PAGE, (unsigned)(round + page));
        meet(); /* the main thread calls after this one, */
        meet(); /* and has called before this one */
        expect_zero(area + PAGE, 6 * PAGE);
        expect(area, PAGE, (unsigned)round);
        expect(area + 8 * PAGE, PAGE, (unsigned)(round + 8));
        meet();
    }
}

BODY {
    area = map_island(PAGES);
    crew_begin(CREW, 1, work);
    for (int round = 0; round < ROUNDS; round++) {
        meet();
        if (round % 3 == 0)
            check(area[2 * PAGE] == pattern((unsigned)(round + 2), 0));
        meet();
        check(madvise(area + PAGE, 6 * PAGE, MADV_DONTNEED) == 0);
        if (round % 5 == 0)
            expect_zero(area + PAGE, 6 * PAGE);
        meet();
        meet();
    }
    crew_end();
    say("emptied %d times", ROUNDS);
}
