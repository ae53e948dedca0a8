/* MREMAP_DONTUNMAP moves the pages and leaves an empty mapping in their place, for every thread.
 * calls: mremap */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, ROUNDS = 9, PAGES = 6 };
static byte *area, *moved[ROUNDS];

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        for (int page = me; page < PAGES; page += CREW)
            fill(area + (size_t)page * PAGE, PAGE, (unsigned)(round * PAGES + page));
        meet();
        if (round % CREW == me) {
            moved[round] = mremap(area, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
            check(moved[round] != MAP_FAILED && moved[round] != area);
        }
        meet();
        expect_zero(area, PAGES * PAGE);
        for (int page = 0; page < PAGES; page++)
            expect(moved[round] + (size_t)page * PAGE, PAGE, (unsigned)(round * PAGES + page));
        meet();
    }
}

BODY {
    area = map_island(PAGES);
    crew(CREW, work);
    for (int round = 0; round < ROUNDS; round++)
        for (int page = 0; page < PAGES; page++)
            expect(moved[round] + (size_t)page * PAGE, PAGE, (unsigned)(round * PAGES + page));
    say("left empty %d times", ROUNDS);
}
