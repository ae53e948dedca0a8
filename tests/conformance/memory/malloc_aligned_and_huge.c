/* Aligned blocks are aligned and do not overlap; a huge block touched here and there reads 0 elsewhere, from every
 * thread.
 * calls: mmap munmap */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 4, KINDS = 8 };
static byte *huge;
static const size_t HUGE = (size_t)1 << 30, STEP = (size_t)1 << 24;
static byte *aligned[CREW][KINDS];

static void work(int me) {
    for (int kind = 0; kind < KINDS; kind++) {
        size_t alignment = (size_t)16 << (2 * kind);
        aligned[me][kind] = aligned_alloc(alignment, alignment);
        check(aligned[me][kind] != NULL);
        check((uintptr_t)aligned[me][kind] % alignment == 0);
        fill(aligned[me][kind], alignment < 8192 ? alignment : 8192, (unsigned)(me * KINDS + kind));
    }
    for (size_t at = (size_t)me * STEP; at < HUGE; at += CREW * STEP)
        huge[at + 7] = pattern(1, at);
    meet();
    for (size_t at = 0; at < HUGE; at += STEP) {
        check(huge[at + 7] == pattern(1, at));
        check(huge[at + 6] == 0 && huge[at + STEP / 2] == 0);
    }
    int other = (me + 1) % CREW;
    for (int kind = 0; kind < KINDS; kind++) {
        size_t alignment = (size_t)16 << (2 * kind);
        expect(aligned[other][kind], alignment < 8192 ? alignment : 8192, (unsigned)(other * KINDS + kind));
        free(aligned[other][kind]);
    }
}

BODY {
    huge = calloc(1, HUGE);
    check(huge != NULL);
    crew(CREW, work);
    free(huge);
    /* Compilers may leave out a block that nobody uses. */
    void *volatile none = malloc((size_t)1 << 60);
    check(none == NULL && errno == ENOMEM);
    void *page;
    check(posix_memalign(&page, PAGE, 3 * PAGE) == 0 && (uintptr_t)page % PAGE == 0);
    free(page);
    say("aligned up to %d", 16 << 2 * (KINDS - 1));
}
