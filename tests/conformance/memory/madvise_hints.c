/* Hints change no content: HUGEPAGE, NOHUGEPAGE, WILLNEED, SEQUENTIAL, RANDOM, COLD, PAGEOUT, COLLAPSE,
 * POPULATE_READ, POPULATE_WRITE.
 * calls: madvise */
#include "../crew.h"
#include "../pages.h"
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

enum { CREW = 3, BLOCK = 2 << 20 };
static const int HINTS[] = {MADV_HUGEPAGE, MADV_WILLNEED, MADV_SEQUENTIAL, MADV_RANDOM, MADV_COLD, MADV_PAGEOUT,
                            MADV_COLLAPSE, MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_NOHUGEPAGE, MADV_NORMAL};
enum { COUNT = sizeof HINTS / sizeof *HINTS };
static byte *area;

static void work(int me) {
    byte *mine = area + (size_t)me * BLOCK;
    for (int hint = 0; hint < COUNT; hint++) {
        /* Every thread has its pages in each block, and each block is advised by another. */
        for (size_t page = (size_t)me; page < CREW * BLOCK / PAGE; page += 32 * CREW)
            fill(area + page * PAGE + 8, 64, (unsigned)(page + (size_t)hint));
        meet();
        int result = madvise(mine, BLOCK, HINTS[hint]);
        /* The kernel may decline these; it must not break anything. */
        if (HINTS[hint] != MADV_COLLAPSE && HINTS[hint] != MADV_HUGEPAGE && HINTS[hint] != MADV_NOHUGEPAGE)
            check(result == 0);
        for (int other = 0; other < CREW; other++)
            for (size_t page = (size_t)other; page < CREW * BLOCK / PAGE; page += 32 * CREW) {
                expect(area + page * PAGE + 8, 64, (unsigned)(page + (size_t)hint));
                check(area[page * PAGE] == 0 && area[page * PAGE + PAGE - 1] == 0);
            }
        meet();
    }
}

BODY {
    byte *whole = map_pages((CREW + 1) * BLOCK / PAGE);
    area = (byte *)(((uintptr_t)whole + BLOCK - 1) / BLOCK * BLOCK);
    crew(CREW, work);
    check(madvise(area, PAGE, 12345) == -1 && errno == EINVAL);
    say("%d hints", COUNT);
}
