/* readv, writev, preadv, pwritev and their second forms gather and scatter over pages that different threads wrote.
 * calls: readv writev preadv pwritev preadv2 pwritev2 */
#include "../crew.h"
#include "../pages.h"
#include "scratch.h"
#include <sys/uio.h>

enum { CREW = 3, ROUNDS = 6, PIECE = 3000 };
static byte *piece[CREW], *back[CREW];
static int file;

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        fill(piece[me], PIECE, (unsigned)(round * CREW + me));
        memset(back[me], 0, PIECE);
        meet();
        if (round % CREW == me) {
            struct iovec out[CREW], in[CREW];
            for (int i = 0; i < CREW; i++) {
                out[i] = (struct iovec){piece[i], PIECE};
                in[i] = (struct iovec){back[i], PIECE};
            }
            check(lseek(file, 0, SEEK_SET) == 0);
            check(writev(file, out, CREW) == CREW * PIECE);
            check(pwritev(file, out + 1, 1, CREW * PIECE) == PIECE);
            check(lseek(file, 0, SEEK_SET) == 0);
            check(readv(file, in, CREW) == CREW * PIECE);
            for (int i = 0; i < CREW; i++)
                expect(back[i], PIECE, (unsigned)(round * CREW + i));
            check(preadv(file, in + 2, 1, CREW * PIECE) == PIECE);
            struct iovec odd[4] = {{back[0], 1}, {back[0] + 1, 0}, {back[0] + 1, PIECE - 1}, {back[1], 5}};
            check(syscall(SYS_pwritev2, file, out, 2L, 50L, 0L, 0) == 2 * PIECE);
            check(syscall(SYS_preadv2, file, odd, 4L, 50L, 0L, 0) == PIECE + 5);
        }
        meet();
        expect(back[0], PIECE, (unsigned)(round * CREW));
        expect(back[1], 5, (unsigned)(round * CREW + 1));
        expect(back[2], PIECE, (unsigned)(round * CREW + 1));
        meet();
    }
}

BODY {
    for (int i = 0; i < CREW; i++) {
        piece[i] = map_pages(1) + 500;
        back[i] = map_pages(1) + 900;
    }
    file = scratch_file();
    crew(CREW, work);
    struct iovec wrong = {NULL, 1};
    check(writev(file, &wrong, -1) == -1 && errno == EINVAL);
    check(pwritev(file, &wrong, 1, 0) == -1 && errno == EFAULT);
    say("%d rounds", ROUNDS);
}
