/* MAP_POPULATE and MADV_POPULATE_* make pages present: mincore says so, and they are empty and usable by all threads.
 * calls: mmap madvise mincore munmap */
#include "../crew.h"
#include "../pages.h"
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum { CREW = 3, PAGES = 64 };
static byte *area[CREW], *later[CREW];

static int present(byte *at) {
    byte where[PAGES];
    check(mincore(at, PAGES * PAGE, where) == 0);
    int count = 0;
    for (int page = 0; page < PAGES; page++)
        count += where[page] & 1;
    return count;
}

static void work(int me) {
    area[me] = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    check(area[me] != MAP_FAILED);
    check(present(area[me]) == PAGES);
    later[me] = map_pages(PAGES);
    check(present(later[me]) == 0);
    check(madvise(later[me], PAGES * PAGE, MADV_POPULATE_WRITE) == 0);
    check(present(later[me]) == PAGES);
    meet();
    int other = (me + 1) % CREW;
    expect_zero(area[other], PAGES * PAGE);
    expect_zero(later[other], PAGES * PAGE);
    fill(area[other], PAGES * PAGE, (unsigned)me);
    fill(later[other], PAGES * PAGE, (unsigned)me + 10);
    meet();
    expect(area[me], PAGES * PAGE, (unsigned)((me + CREW - 1) % CREW));
    expect(later[me], PAGES * PAGE, (unsigned)((me + CREW - 1) % CREW) + 10);
    check(munmap(area[me], PAGES * PAGE) == 0);
}

BODY {
    crew(CREW, work);
    say("%d pages present", PAGES);
}
