/* O_DIRECT: the device reads and writes pages that other threads use, while they write to the pages beside and to
 * others of the buffer.
 * calls: openat pread64 pwrite64 */
#include "direct.h"

enum { CREW = 3, ROUNDS = 12, PAGES = 16 };
static byte *buffer, *box;
static int file;
static _Atomic int busy;

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        for (int page = 0; page < PAGES; page++)
            if (page % CREW == me)
                fill(buffer + (size_t)page * PAGE, PAGE, (unsigned)(round * PAGES + page));
        if (me == 1)
            memset(box, 0xff, PAGES * PAGE);
        busy = 1;
        meet();
        if (me == 0) {
            check(pwrite(file, buffer, PAGES * PAGE, 0) == PAGES * (ssize_t)PAGE);
            check(pread(file, box, PAGES * PAGE, 0) == PAGES * (ssize_t)PAGE);
            busy = 0;
        } else {
            /* Meanwhile the others read what is being written, and look at the pages that are being read into. */
            unsigned looked = 0;
            do {
                int page = (int)(looked++ % PAGES);
                expect(buffer + (size_t)page * PAGE, 64, (unsigned)(round * PAGES + page));
                byte seen = ((volatile byte *)box)[(size_t)page * PAGE + 9];
                check(seen == 0xff || seen == pattern((unsigned)(round * PAGES + page), 9));
            } while (busy);
        }
        meet();
        for (int page = 0; page < PAGES; page++)
            expect(box + (size_t)page * PAGE, PAGE, (unsigned)(round * PAGES + page));
        meet();
    }
}

BODY {
    file = direct_file();
    if (file < 0)
        return;
    buffer = map_pages(PAGES);
    box = map_pages(PAGES);
    crew(CREW, work);
    say("%d rounds", ROUNDS);
}
