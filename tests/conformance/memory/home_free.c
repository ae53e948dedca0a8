/* The main thread gives pages back with MADV_FREE: they hold what they held or nothing, and what is written then stays.
 * calls: futex
 * home: the main thread makes the calls */
#define BODY_AT_HOME
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, ROUNDS = 20, PAGES = 6 };
static byte *area;

static void verify(unsigned round) {
    for (int page = 0; page < PAGES; page++) {
        const byte *at = area + (size_t)page * PAGE;
        bool empty = at[1] == 0;
        for (size_t i = 0; i < PAGE; i++)
            if (page % 2 == 0 && i == 0)
                check(at[i] == (byte)(round + 1));
            else
                check(at[i] == (empty ? 0 : pattern(round, (size_t)page * PAGE + i)));
    }
}

static void work(int me) {
    for (unsigned round = 0; round < ROUNDS; round++) {
        if ((int)round % CREW == me)
            fill(area, PAGES * PAGE, round);
        meet();
        expect(area, PAGES * PAGE, round);
        meet();
        meet();
        if (me == 1)
            for (int page = 0; page < PAGES; page += 2)
                area[(size_t)page * PAGE] = (byte)(round + 1);
        meet();
        verify(round);
        meet();
    }
}

BODY {
    area = map_island(PAGES);
    crew_begin(CREW, 1, work);
    for (unsigned round = 0; round < ROUNDS; round++) {
        meet();
        meet();
        check(madvise(area, PAGES * PAGE, MADV_FREE) == 0);
        meet();
        meet();
        verify(round);
        meet();
    }
    crew_end();
    say("freed %d times", ROUNDS);
}
