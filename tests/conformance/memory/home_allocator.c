/* As allocators do: the main thread gives back and reprotects pieces of one big block, while others use pieces of it.
 * calls: futex
 * home: the main thread makes the calls */
#define BODY_AT_HOME
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, ROUNDS = 24, PIECES = 12, PIECE = 4 };
static byte *area;

static byte *piece(int i) { return area + (size_t)i * PIECE * PAGE; }

/* In each round a thread uses these pieces; the main thread gives back those of the round before. */
static bool uses(int me, int round, int i) { return (i + round) % (CREW + 1) == me; }

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PIECES; i++)
            if (uses(me, round, i)) {
                expect_zero(piece(i), PIECE * PAGE);
                fill(piece(i), PIECE * PAGE, (unsigned)(round * PIECES + i));
            }
        for (int i = 0; i < PIECES; i++)
            if (uses(me, round, i))
                expect(piece(i), PIECE * PAGE, (unsigned)(round * PIECES + i));
        meet();
        meet();
    }
}

BODY {
    area = map_pages(PIECES * PIECE);
    crew_begin(CREW, 1, work);
    for (int round = 0; round < ROUNDS; round++) {
        meet();
        /* All are used up now; the main thread reads some of them and gives all back. */
        for (int i = 0; i < PIECES; i++) {
            if (!uses(CREW, round, i) && i % 3 == 0)
                expect(piece(i), PIECE * PAGE, (unsigned)(round * PIECES + i));
            check(madvise(piece(i), PIECE * PAGE, MADV_DONTNEED) == 0);
            if (i % 4 == 0) {
                check(mprotect(piece(i), PIECE * PAGE, PROT_NONE) == 0);
                check(mprotect(piece(i), PIECE * PAGE, PROT_READ | PROT_WRITE) == 0);
            }
        }
        meet();
    }
    crew_end();
    say("%d pieces given back", ROUNDS * PIECES);
}
