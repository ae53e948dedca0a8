/* After MADV_FREE a page holds its old content or nothing, for all threads the same kind; what is written later stays.
 * calls: madvise */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, ROUNDS = 20, PAGES = 6 };
static byte *area;

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        if (round % CREW == me)
            fill(area, PAGES * PAGE, (unsigned)round);
        meet();
        expect(area, PAGES * PAGE, (unsigned)round);
        meet();
        if ((round + 1) % CREW == me) {
            check(madvise(area, PAGES * PAGE, MADV_FREE) == 0);
            area[3 * PAGE + 5] = 0;
            area[3 * PAGE + 5] = 77;
        }
        meet();
        for (int page = 0; page < PAGES; page++) {
            const byte *at = area + (size_t)page * PAGE;
            bool empty = at[0] == 0;
            for (size_t i = 0; i < PAGE; i++) {
                if (page == 3 && i == 5)
                    check(at[i] == 77);
                else
                    check(at[i] == (empty ? 0 : pattern((unsigned)round, (size_t)page * PAGE + i)));
            }
        }
        meet();
    }
}

BODY {
    area = map_island(PAGES);
    crew(CREW, work);
    say("freed %d times", ROUNDS);
}
