/* Threads change mappings of their own at the same time, all in one neighbourhood, and hand pages to each other by moving
 * them.
 * calls: mmap munmap mremap mprotect madvise futex */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 4, ROUNDS = 12, PAGES = 3 };
static byte *lane[CREW], *spare[CREW];

static void work(int me) {
    const size_t length = PAGES * PAGE;
    const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    for (int round = 0; round < ROUNDS; round++) {
        byte *mine = lane[me];
        fill(mine, length, (unsigned)(round * CREW + me));
        check(mprotect(mine + PAGE, PAGE, PROT_READ) == 0);
        expect(mine, length, (unsigned)(round * CREW + me));
        check(mprotect(mine + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
        meet();
        /* Everybody moves its neighbour's pages into its own spare place. */
        int next = (me + 1) % CREW;
        check(mremap(lane[next], length, length, MREMAP_MAYMOVE | MREMAP_FIXED, spare[me]) == spare[me]);
        expect(spare[me], length, (unsigned)(round * CREW + next));
        meet();
        for (int other = 0; other < CREW; other++)
            expect(spare[other], PAGE, (unsigned)(round * CREW + (other + 1) % CREW));
        check(mmap(mine, length, PROT_READ | PROT_WRITE, anonymous, -1, 0) == mine);
        expect_zero(mine, length);
        meet();
        if (round % 2) {
            check(madvise(spare[next], length, MADV_DONTNEED) == 0);
        } else {
            check(munmap(spare[next], length) == 0);
            check(mmap(spare[next], length, PROT_READ | PROT_WRITE, anonymous, -1, 0) == spare[next]);
        }
        meet();
        expect_zero(spare[me], length);
        meet();
    }
}

BODY {
    byte *area = map_island(2 * CREW * PAGES);
    for (int i = 0; i < CREW; i++) {
        lane[i] = area + (size_t)(2 * i) * PAGES * PAGE;
        spare[i] = lane[i] + PAGES * PAGE;
    }
    crew(CREW, work);
    say("%d rounds", ROUNDS);
}
