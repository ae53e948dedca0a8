/* Locked memory grows, where it is and by a move, and is locked and as it was.
 * calls: mlock mremap munmap
 * takes: 60 */
#include "../crew.h"
#include "../pages.h"
#include <sys/resource.h>

enum { CREW = 2, PAGES = 8 };

static void work(int me) {
    for (int round = 0; round < 8; round++) {
        byte *at = map_island(PAGES);
        check(mlock(at, PAGES * PAGE) == 0);
        fill(at, PAGES * PAGE, (unsigned)me);
        /* Its edge is in the way; then nothing is. */
        byte *moved = mremap(at, PAGES * PAGE, 2 * PAGES * PAGE, MREMAP_MAYMOVE);
        check(moved != MAP_FAILED);
        expect(moved, PAGES * PAGE, (unsigned)me);
        expect_zero(moved + PAGES * PAGE, PAGES * PAGE);
        check(munmap(moved + PAGES * PAGE, PAGES * PAGE) == 0);
        moved = mremap(moved, PAGES * PAGE, 2 * PAGES * PAGE, MREMAP_MAYMOVE);
        check(moved != MAP_FAILED);
        expect(moved, PAGES * PAGE, (unsigned)me);
        expect_zero(moved + PAGES * PAGE, PAGES * PAGE);
        check(munmap(moved, 2 * PAGES * PAGE) == 0);
        meet();
    }
}

BODY {
    struct rlimit limit;
    check(getrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    check(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    crew(CREW, work);
    say("locked");
}
