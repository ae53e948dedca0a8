/* copy_file_range within and between files, in pieces by several threads, with offsets of their own and with the
 * files'.
 * calls: copy_file_range pwrite64 pread64 fallocate */
#include "../crew.h"
#include "../pages.h"
#include "scratch.h"

enum { CREW = 4, PIECE = 10000 };
static int from, to;

static void work(int me) {
    byte page[PIECE];
    fill(page, PIECE, (unsigned)me);
    check(pwrite(from, page, PIECE, me * (off_t)PIECE) == PIECE);
    meet();
    /* The pieces change places. */
    loff_t in = (me + 1) % CREW * PIECE, out = me * PIECE;
    for (size_t left = PIECE; left > 0;) {
        ssize_t n = copy_file_range(from, &in, to, &out, left, 0);
        check(n > 0);
        left -= (size_t)n;
    }
    meet();
    for (int i = 0; i < CREW; i++) {
        check(pread(to, page, PIECE, i * (off_t)PIECE) == PIECE);
        expect(page, PIECE, (unsigned)((i + 1) % CREW));
    }
    meet();
    if (me == 0) {
        check(lseek(from, 0, SEEK_SET) == 0 && lseek(to, 0, SEEK_END) == CREW * PIECE);
        check(copy_file_range(from, NULL, to, NULL, PIECE, 0) == PIECE);
        check(lseek(to, 0, SEEK_CUR) == (CREW + 1) * PIECE);
        check(copy_file_range(from, NULL, from, NULL, 10, 1) == -1 && errno == EINVAL);
        int result = fallocate(to, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 200);
        if (result != 0) {
            check(errno == EOPNOTSUPP);
            memset(page, 0, 200);
            check(pwrite(to, page, 200, 100) == 200);
        }
    }
    meet();
    check(pread(to, page, 400, 0) == 400);
    expect(page, 100, 1);
    expect_zero(page + 100, 200);
    check(page[300] == pattern(1, 300));
}

BODY {
    from = scratch_file();
    to = scratch_file();
    crew(CREW, work);
    say("copied");
}
