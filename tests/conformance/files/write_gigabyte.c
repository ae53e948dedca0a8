/* A gigabyte in one write and in one read, from and to memory nobody touched, and megabytes through a pipe from one
 * page mapped often.
 * calls: write read pwrite64 mmap */
#include "../crew.h"
#include "../pages.h"
#include "scratch.h"

enum { CREW = 2, MANY = 1024 };
static const size_t GIGABYTE = (size_t)1 << 30;
static byte *window;
static int ends[2];

static void work(int me) {
    size_t length = MANY * PAGE;
    if (me == 0) {
        for (int i = 0; i < 4; i++)
            write_all(ends[1], window, length);
        return;
    }
    byte *back = map_pages(256);
    for (size_t done = 0; done < 4 * length; done += 256 * PAGE) {
        read_all(ends[0], back, 256 * PAGE);
        for (int page = 0; page < 256; page += 15)
            expect(back + (size_t)page * PAGE, PAGE, 5);
    }
}

BODY {
    byte *untouched = mmap(NULL, GIGABYTE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    check(untouched != MAP_FAILED);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
    check(null >= 0 && zero >= 0);
    untouched[GIGABYTE / 2] = 1;
    check(write(null, untouched, GIGABYTE) == (ssize_t)GIGABYTE);
    check(pwrite(zero, untouched, GIGABYTE, 0) == (ssize_t)GIGABYTE);
    check(untouched[GIGABYTE / 2] == 1 && untouched[GIGABYTE - 1] == 0);
    check(read(zero, untouched + GIGABYTE / 2 - 5, 8 << 20) == 8 << 20);
    check(untouched[GIGABYTE / 2] == 0);
    check(munmap(untouched, GIGABYTE) == 0);

    int file = scratch_file();
    byte content[PAGE];
    fill(content, PAGE, 5);
    write_all(file, content, PAGE);
    window = mmap(NULL, MANY * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(window != MAP_FAILED);
    for (int i = 0; i < MANY; i++)
        check(mmap(window + (size_t)i * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED);
    check(pipe2(ends, O_CLOEXEC) == 0);
    crew(CREW, work);
    say("a gigabyte, and %lu MiB through the pipe", 4 * MANY * PAGE >> 20);
}
