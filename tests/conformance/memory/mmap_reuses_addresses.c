/* A page that is unmapped and mapped again is empty for every thread, and its neighbours keep what they have.
 * calls: mmap munmap futex */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 4, ROUNDS = 30, LANE = 6 };
static byte *area;

static void work(int me) {
    byte *mine = area + (size_t)me * LANE * PAGE;
    byte *next = area + (size_t)((me + 1) % CREW) * LANE * PAGE;
    for (int round = 0; round < ROUNDS; round++) {
        unsigned seed = (unsigned)(round * CREW + me);
        unsigned neighbour = (unsigned)(round * CREW + (me + 1) % CREW);
        fill(mine, LANE * PAGE, seed);
        meet();
        expect(next, LANE * PAGE, neighbour);
        meet();
        /* The middle goes and comes back. */
        check(munmap(mine + 2 * PAGE, 2 * PAGE) == 0);
        void *again = mmap(mine + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        check(again == mine + 2 * PAGE);
        if (round % 2)
            expect_zero(mine + 2 * PAGE, 2 * PAGE);
        meet();
        expect(next, 2 * PAGE, neighbour);
        expect_zero(next + 2 * PAGE, 2 * PAGE);
        check(next[4 * PAGE] == pattern(neighbour, 4 * PAGE));
        meet();
    }
}

BODY {
    area = map_island(CREW * LANE);
    crew(CREW, work);
    check(munmap(area, CREW * LANE * PAGE) == 0);
    say("%d rounds", ROUNDS);
}
