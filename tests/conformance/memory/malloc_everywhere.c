/* Blocks that one thread allocates, grows and frees, and blocks that another thread frees, keep their content.
 * calls: mmap munmap mremap
 * takes: 200 */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 4, ROUNDS = 8, BLOCKS = 24 };

struct block {
    byte *at;
    size_t length;
};
static struct block given[CREW][BLOCKS];

static size_t length_of(int me, int round, int i) {
    unsigned x = (unsigned)(me * 7919 + round * 131 + i * 17);
    return i % 12 == 11 ? 140000 + x % 20000 : 1 + x % 3000;
}

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            size_t length = length_of(me, round, i);
            byte *at = malloc(length);
            check(at != NULL);
            fill(at, length, (unsigned)(me + i));
            size_t longer = length + length / 2 + 1;
            at = realloc(at, longer);
            check(at != NULL);
            expect(at, length, (unsigned)(me + i));
            fill(at, longer, (unsigned)(me + i));
            given[me][i] = (struct block){at, longer};
        }
        meet();
        int other = (me + 1 + round % (CREW - 1)) % CREW;
        for (int i = 0; i < BLOCKS; i++) {
            struct block block = given[other][i];
            expect(block.at, block.length, (unsigned)(other + i));
            if (i % 3 != 0)
                free(block.at);
        }
        meet();
        for (int i = 0; i < BLOCKS; i += 3) {
            byte *at = realloc(given[me][i].at, 10);
            check(at != NULL);
            expect(at, given[me][i].length < 10 ? given[me][i].length : 10, (unsigned)(me + i));
            free(at);
        }
    }
}

BODY {
    /* A block of this size is a mapping of its own. */
    byte *big = malloc(1 << 20);
    check(big != NULL);
    fill(big, 1 << 20, 99);
    crew(CREW, work);
    big = realloc(big, 3 << 20);
    check(big != NULL);
    expect(big, 1 << 20, 99);
    free(big);
    say("%d rounds of %d blocks", ROUNDS, CREW * BLOCKS);
}
