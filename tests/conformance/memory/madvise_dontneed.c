/* MADV_DONTNEED by one thread empties pages for all, again and again, and leaves the pages beside them.
 * calls: madvise */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 4, ROUNDS = 30, PAGES = 8 };
static byte *area;

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        for (int page = me; page < PAGES; page += CREW)
            fill(area + (size_t)page * PAGE, PAGE, (unsigned)(round + page));
        meet();
        if (round % 3)
            for (int page = 0; page < PAGES; page++)
                expect(area + (size_t)page * PAGE, PAGE, (unsigned)(round + page));
        meet();
        if (round % CREW == me)
            check(madvise(area + 2 * PAGE, 4 * PAGE, MADV_DONTNEED) == 0);
        meet();
        expect_zero(area + 2 * PAGE, 4 * PAGE);
        for (int page = 0; page < PAGES; page++)
            if (page < 2 || page >= 6)
                expect(area + (size_t)page * PAGE, PAGE, (unsigned)(round + page));
        meet();
    }
}

BODY {
    area = map_island(PAGES);
    crew(CREW, work);
    check(madvise(area + 1, PAGE, MADV_DONTNEED) == -1 && errno == EINVAL);
    say("emptied %d times", ROUNDS);
}
