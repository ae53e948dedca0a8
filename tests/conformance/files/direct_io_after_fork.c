/* O_DIRECT into memory that a forked child shares with its parent, and into memory that is locked: what the child sees
 * stays as it was.
 * calls: openat pread64 pwrite64 mlock
 * recalls: fault */
#include "direct.h"

enum { CREW = 3, ROUNDS = 6, PAGES = 12 };
static byte *buffer, *box, *locked;
static int file;

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        for (int page = me; page < PAGES; page += CREW)
            fill(buffer + (size_t)page * PAGE, PAGE, (unsigned)(round * PAGES + page));
        meet();
        if (round % CREW == me) {
            check(pwrite(file, buffer, PAGES * PAGE, 0) == PAGES * (ssize_t)PAGE);
            check(pread(file, box, PAGES * PAGE, 0) == PAGES * (ssize_t)PAGE);
            check(pread(file, locked, PAGES * PAGE, 0) == PAGES * (ssize_t)PAGE);
        } else {
            /* Takes pages away while they are read into. */
            for (int page = 0; page < PAGES; page++)
                ((volatile byte *)box)[(size_t)page * PAGE], ((volatile byte *)locked)[(size_t)page * PAGE];
        }
        meet();
        for (int page = 0; page < PAGES; page++) {
            expect(box + (size_t)page * PAGE, PAGE, (unsigned)(round * PAGES + page));
            expect(locked + (size_t)page * PAGE, PAGE, (unsigned)(round * PAGES + page));
        }
        meet();
    }
}

BODY {
    file = direct_file();
    if (file < 0)
        return;
    buffer = map_pages(PAGES);
    box = map_pages(PAGES);
    locked = map_pages(PAGES);
    check(mlock(locked, PAGES * PAGE) == 0);
    for (int page = 0; page < PAGES; page++) {
        fill(buffer + (size_t)page * PAGE, PAGE, 1000);
        fill(box + (size_t)page * PAGE, PAGE, 1001);
    }
    int go[2];
    check(pipe(go) == 0);
    pid_t child = fork();
    check(child >= 0);
    if (child == 0) {
        byte wait;
        check(close(go[1]) == 0 && read(go[0], &wait, 1) == 0);
        for (int page = 0; page < PAGES; page++) {
            expect(buffer + (size_t)page * PAGE, PAGE, 1000);
            expect(box + (size_t)page * PAGE, PAGE, 1001);
        }
        _exit(7);
    }
    crew(CREW, work);
    int status;
    check(close(go[1]) == 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7);
    say("%d rounds", ROUNDS);
}
