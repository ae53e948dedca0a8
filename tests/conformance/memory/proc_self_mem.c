/* /proc/self/mem reads and writes the memory that the threads see, wherever they last wrote it.
 * calls: openat
 * withdraws: memory opened as a file is not read from boards */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, PAGES = 6 };
static byte *area;

static void work(int me) {
    int file = openat(AT_FDCWD, "/proc/self/mem", O_RDWR);
    check(file >= 0);
    for (int round = 0; round < 3; round++) {
        for (int page = 0; page < PAGES; page++)
            if ((page + round) % CREW == me)
                fill(area + (size_t)page * PAGE, PAGE, (unsigned)(round + page));
        meet();
        static _Thread_local byte copy[PAGES * PAGE];
        ssize_t n = pread(file, copy, sizeof copy, (off_t)(uintptr_t)area);
        if (n != (ssize_t)sizeof copy)
            die("read %zd", n);
        for (int page = 0; page < PAGES; page++)
            expect(copy + (size_t)page * PAGE, PAGE, (unsigned)(round + page));
        meet();
        fill(copy, PAGE, (unsigned)(round + me + 50));
        n = pwrite(file, copy, PAGE, (off_t)(uintptr_t)area + me * (off_t)PAGE);
        if (n != (ssize_t)PAGE)
            die("wrote %zd", n);
        meet();
        for (int page = 0; page < CREW; page++)
            expect(area + (size_t)page * PAGE, PAGE, (unsigned)(round + page + 50));
        meet();
    }
    check(close(file) == 0);
}

BODY {
    area = map_island(PAGES);
    crew(CREW, work);
    say("read and written");
}
