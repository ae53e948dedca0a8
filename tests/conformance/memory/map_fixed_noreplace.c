/* MAP_FIXED_NOREPLACE never harms a mapping that is there, and maps exactly where nothing is.
 * calls: mmap munmap */
#include "../crew.h"
#include "../pages.h"
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

enum { CREW = 4, ROUNDS = 10, PAGES = 4 };
static byte *area;
static _Atomic int winners;

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        if (round % CREW == me) {
            check(munmap(area + PAGE, 2 * PAGE) == 0);
            area[0] = pattern((unsigned)round, 0);
            area[3 * PAGE] = pattern((unsigned)round, 1);
            winners = 0;
        }
        meet();
        /* Exactly one of those who try gets the hole. */
        void *at = mmap(area + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (at == MAP_FAILED) {
            check(errno == EEXIST);
        } else {
            check(at == area + PAGE);
            winners++;
            expect_zero(area + PAGE, 2 * PAGE);
            fill(area + PAGE, 2 * PAGE, (unsigned)(round + 5));
        }
        meet();
        check(winners == 1);
        expect(area + PAGE, 2 * PAGE, (unsigned)(round + 5));
        check(area[0] == pattern((unsigned)round, 0) && area[3 * PAGE] == pattern((unsigned)round, 1));
        at = mmap(area, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        check(at == MAP_FAILED && errno == EEXIST);
        meet();
    }
}

BODY {
    area = map_island(PAGES);
    crew(CREW, work);
    say("one winner in each of %d rounds", ROUNDS);
}
