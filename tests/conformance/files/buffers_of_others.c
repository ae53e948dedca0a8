/* read, write, pread and pwrite with buffers whose pages another thread wrote last, at odd offsets and over page
 * borders.
 * calls: read pread64 pwrite64 lseek */
#include "../crew.h"
#include "../pages.h"
#include "scratch.h"

enum { CREW = 3, ROUNDS = 8, LENGTH = 5 * 4096 + 123 };
static byte *buffer[CREW], *box[CREW];
static int file[CREW];

static void work(int me) {
    int next = (me + 1) % CREW;
    for (int round = 0; round < ROUNDS; round++) {
        unsigned seed = (unsigned)(round * CREW);
        fill(buffer[me] + 7, LENGTH, seed + (unsigned)me);
        memset(box[me], round, LENGTH + 64);
        meet();
        /* What the next one wrote goes into its file, and comes back into pages that yet another one wrote. */
        check(pwrite(file[next], buffer[next] + 7, LENGTH, 100) == LENGTH);
        check(lseek(file[next], 100, SEEK_SET) == 100);
        int third = (me + 2) % CREW;
        check(read(file[next], box[third] + 33, LENGTH) == LENGTH);
        check(read(file[next], box[third], 1) == 0);
        meet();
        expect(box[me] + 33, LENGTH, seed + (unsigned)((me + 2) % CREW));
        check(box[me][32] == round && box[me][33 + LENGTH] == round);
        check(pread(file[me], box[me], 1000, 100 + LENGTH - 500) == 500);
        for (size_t i = 0; i < 500; i++)
            check(box[me][i] == pattern(seed + (unsigned)me, LENGTH - 500 + i));
        meet();
    }
}

BODY {
    for (int i = 0; i < CREW; i++) {
        buffer[i] = map_pages(7);
        box[i] = map_pages(7);
        file[i] = scratch_file();
    }
    crew(CREW, work);
    check(pread(file[0], NULL, 10, 100) == -1 && errno == EFAULT);
    check(pwrite(file[0], (void *)16, 10, 0) == -1 && errno == EFAULT);
    say("%d rounds", ROUNDS);
}
