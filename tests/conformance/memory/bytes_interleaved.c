/* Every thread writes every n-th byte of shared pages; all verify all, round after round.
 * calls: futex */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 5, ROUNDS = 12, PAGES = 4 };
static byte *area;

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        /* Another stride start each round, in both directions. */
        int lane = (me + round) % CREW;
        if (round % 2)
            for (size_t i = (size_t)lane; i < PAGES * PAGE; i += CREW)
                area[i] = pattern((unsigned)round, i);
        else
            for (size_t i = PAGES * PAGE; i-- > 0;)
                if ((int)(i % CREW) == lane)
                    area[i] = pattern((unsigned)round, i);
        meet();
        expect(area, PAGES * PAGE, (unsigned)round);
        meet();
    }
}

BODY {
    area = map_island(PAGES);
    crew(CREW, work);
    say("%d rounds", ROUNDS);
}
