/* Blocks that four threads let grow all the time, each moving to where others' blocks have just been, keep their
 * content.
 * calls: mmap munmap mremap
 * takes: 120 */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 4, ROUNDS = 300, MOST = 60 };

static uint64_t mark(unsigned seed, size_t page) {
    return seed * 1000003ull + page + 1;
}

/* One word a page. */
static void stamp(byte *at, size_t pages, unsigned seed) {
    for (size_t i = 0; i < pages; i++)
        *(uint64_t *)(at + i * PAGE) = mark(seed, i);
}

static void expect_marks(const byte *at, size_t pages, unsigned seed) {
    for (size_t i = 0; i < pages; i++) {
        uint64_t found = *(const uint64_t *)(at + i * PAGE);
        if (found != mark(seed, i))
            die("page %zu of %zu has %llu, not mark %zu of %u", i, pages, (unsigned long long)found, i, seed);
    }
}

static void work(int me) {
    unsigned seed = (unsigned)me + 1;
    byte *at = NULL;
    size_t pages = 0;
    for (int round = 0; round < ROUNDS; round++) {
        if (at == NULL || pages > MOST) {
            if (at != NULL)
                check(munmap(at, pages * PAGE) == 0);
            pages = 1 + seed % 8;
            at = map_pages(pages);
            stamp(at, pages, seed);
        }
        size_t longer = pages + 1 + seed / 8 % 12;
        byte *to = mremap(at, pages * PAGE, longer * PAGE, MREMAP_MAYMOVE);
        check(to != MAP_FAILED);
        expect_marks(to, pages, seed);
        for (size_t i = pages; i < longer; i++)
            check(*(uint64_t *)(to + i * PAGE) == 0);
        seed = seed * 1664525 + 1013904223;
        at = to;
        pages = longer;
        stamp(at, pages, seed);
    }
    check(munmap(at, pages * PAGE) == 0);
}

BODY {
    crew(CREW, work);
    say("%d threads, %d moves each", CREW, ROUNDS);
}
