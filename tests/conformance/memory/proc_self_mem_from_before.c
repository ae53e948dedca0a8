/* /proc/self/mem through a descriptor from before there were threads.
 * calls: none
 * home: the descriptor is older than the threads
 * withdraws: memory opened as a file is not read from boards */
#define BODY_AT_HOME
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3 };
static byte *area;
static int file;

static void work(int me) {
    fill(area + (size_t)me * PAGE, PAGE, (unsigned)me);
    meet();
    static _Thread_local byte copy[CREW * PAGE];
    check(pread(file, copy, sizeof copy, (off_t)(uintptr_t)area) == (ssize_t)sizeof copy);
    for (int page = 0; page < CREW; page++)
        expect(copy + (size_t)page * PAGE, PAGE, (unsigned)page);
}

BODY {
    file = openat(AT_FDCWD, "/proc/self/mem", O_RDONLY);
    check(file >= 0);
    area = map_island(CREW);
    crew(CREW, work);
    say("read");
}
