/* The main thread maps over pages that others use, with MAP_FIXED, anonymous memory and a file in turn.
 * calls: futex
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
            expect(area + (size_t)page * PAGE, PAGE, (unsigned)(round + page));
        meet();
        meet(); /* replaced in between */
        expect(area, PAGE, (unsigned)round);
        if (round % 2)
            expect(area + PAGE, 3 * PAGE, 70);
        else
            expect_zero(area + PAGE, 3 * PAGE);
        expect(area + 5 * PAGE, PAGE, (unsigned)(round + 5));
        meet();
    }
}

BODY {
    static byte content[3 * PAGE];
    int file = memfd_create("content", 0);
    check(file >= 0);
    fill(content, sizeof content, 70);
    check(write(file, content, sizeof content) == (ssize_t)sizeof content);
    area = map_island(PAGES);
    crew_begin(CREW, 1, work);
    for (int round = 0; round < ROUNDS; round++) {
        meet();
        meet();
        int flags = MAP_FIXED | MAP_PRIVATE | (round % 2 ? 0 : MAP_ANONYMOUS);
        check(mmap(area + PAGE, 3 * PAGE, PROT_READ | PROT_WRITE, flags, round % 2 ? file : -1, 0) == area + PAGE);
        meet();
        meet();
    }
    crew_end();
    say("replaced %d times", ROUNDS);
}
