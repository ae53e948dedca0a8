/* Ranges of pages, each under a lock, that all threads write, drop, protect, replace and move: what is in them is what
 * the last one left there.
 * calls: mmap munmap mprotect madvise mremap futex
 * takes: 120 */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 4, RANGES = 12, PAGES = 40, ROUNDS = 400 };

struct range {
    pthread_mutex_t lock;
    byte *at;
    bool patched;         /* with other mappings, which mremap does not move in one go (docs/limits.md) */
    unsigned seed[PAGES]; /* of each page's content; 0: it is zeros */
};
static struct range ranges[RANGES];

static uint64_t word(unsigned seed, size_t i) {
    return seed == 0 ? 0 : (seed * 0x9e3779b97f4a7c15u + i) | 1;
}

static void write_pages(struct range *range, size_t first, size_t pages, unsigned seed) {
    for (size_t page = first; page < first + pages; page++) {
        uint64_t *words = (uint64_t *)(range->at + page * PAGE);
        range->seed[page] = seed;
        for (size_t i = 0; i < PAGE / sizeof *words; i += 16)
            words[i] = word(seed, i);
    }
}

static void expect_pages(const struct range *range, size_t first, size_t pages, const char *when) {
    for (size_t page = first; page < first + pages; page++) {
        const uint64_t *words = (const uint64_t *)(range->at + page * PAGE);
        for (size_t i = 0; i < PAGE / sizeof *words; i += 16)
            if (words[i] != word(range->seed[page], i))
                die("%s: word %zu of page %zu at %p is %#llx, of seed %u", when, i, page, (void *)words,
                    (unsigned long long)words[i], range->seed[page]);
    }
}

static void forget(struct range *range, size_t first, size_t pages) {
    memset(range->seed + first, 0, pages * sizeof *range->seed);
}

static void map_anew(byte *at, size_t length, int rights) {
    check(mmap(at, length, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
}

/* The first half moves elsewhere, the second is mapped anew behind it. */
static void move(struct range *range) {
    size_t half = PAGES / 2 * PAGE;
    byte *to = map_pages(PAGES);
    check(munmap(range->at + half, half) == 0);
    forget(range, PAGES / 2, PAGES / 2);
    check(mremap(range->at, half, half, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    range->at = to;
}

static void change(struct range *range, size_t first, size_t pages, unsigned what, unsigned seed) {
    byte *at = range->at + first * PAGE;
    size_t length = pages * PAGE;
    switch (what) {
    case 0:
        write_pages(range, first, pages, seed);
        break;
    case 1:
        check(madvise(at, length, MADV_DONTNEED) == 0);
        forget(range, first, pages);
        break;
    case 2:
        check(madvise(at, length, MADV_DONTNEED) == 0);
        write_pages(range, first, pages, seed);
        break;
    case 3:
        check(mprotect(at, length, PROT_NONE) == 0);
        check(mprotect(at, length, PROT_READ | PROT_WRITE) == 0);
        break;
    case 4:
        range->patched = true;
        map_anew(at, length, PROT_READ | PROT_WRITE);
        forget(range, first, pages);
        break;
    case 5:
        range->patched = true;
        map_anew(at, length, PROT_NONE);
        check(mprotect(at, length, PROT_READ | PROT_WRITE) == 0);
        forget(range, first, pages);
        break;
    case 6:
        if (!range->patched)
            move(range);
        break;
    default:
        break;
    }
}

static void work(int me) {
    unsigned seed = (unsigned)me;
    for (int round = 0; round < ROUNDS; round++) {
        seed = seed * 1664525 + 1013904223;
        unsigned x = seed >> 8;
        struct range *range = &ranges[x % RANGES];
        size_t first = x / 16 % PAGES, pages = 1 + x / 1024 % (PAGES - first);
        must(pthread_mutex_lock(&range->lock));
        expect_pages(range, first, pages, "before");
        change(range, first, pages, x / 65536 % 8, seed | 1);
        expect_pages(range, first, pages, "after");
        must(pthread_mutex_unlock(&range->lock));
    }
}

BODY {
    byte *all = map_pages(RANGES * PAGES);
    for (int i = 0; i < RANGES; i++) {
        must(pthread_mutex_init(&ranges[i].lock, NULL));
        ranges[i].at = all + (size_t)i * PAGES * PAGE;
    }
    crew(CREW, work);
    for (int i = 0; i < RANGES; i++)
        expect_pages(&ranges[i], 0, PAGES, "in the end");
    say("%d ranges, %d changes", RANGES, CREW * ROUNDS);
}
