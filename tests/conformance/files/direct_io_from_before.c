/* O_DIRECT through a file that is open before the program has threads.
 * calls: pread64 pwrite64
 * home: the file is open before there is a thread that could leave */
#define BODY_AT_HOME
#include "../crew.h"
#include "../pages.h"
#include "scratch.h"

enum { CREW = 3, ROUNDS = 8, PAGES = 16 };
static byte *buffer, *box;
static int file;
static _Atomic int busy;

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        for (int page = me; page < PAGES; page += CREW)
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
            for (unsigned looked = 0; busy; looked++) {
                int page = (int)(looked % PAGES);
                byte seen = ((volatile byte *)box)[(size_t)page * PAGE + 9];
                check(seen == 0xff || seen == pattern((unsigned)(round * PAGES + page), 9));
            }
        }
        meet();
        for (int page = 0; page < PAGES; page++)
            expect(box + (size_t)page * PAGE, PAGE, (unsigned)(round * PAGES + page));
        meet();
    }
}

BODY {
    file = scratch_file();
    /* Where the file system refuses, ordinary transfers do the same. */
    check(fcntl(file, F_SETFL, O_DIRECT) == 0 || errno == EINVAL);
    buffer = map_pages(PAGES);
    box = map_pages(PAGES);
    crew(CREW, work);
    say("%d rounds", ROUNDS);
}
