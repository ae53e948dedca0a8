/* A shared file mapping and the file are one: what threads write here is read there, and the other way round.
 * calls: mmap pwrite64 ftruncate
 * recalls: unwatched-memory */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, PAGES = 6 };
static byte *area;
static int file;

static void work(int me) {
    for (int page = me; page < PAGES; page += CREW)
        fill(area + (size_t)page * PAGE, PAGE, (unsigned)(20 + page));
    if (me == 0)
        check(msync(area, PAGES * PAGE, MS_SYNC) == 0);
    meet();
    byte back[PAGE];
    for (int page = 0; page < PAGES; page++) {
        expect(area + (size_t)page * PAGE, PAGE, (unsigned)(20 + page));
        check(pread(file, back, PAGE, page * (off_t)PAGE) == (ssize_t)PAGE);
        expect(back, PAGE, (unsigned)(20 + page));
    }
    meet();
    settle();
    fill(back, PAGE, (unsigned)(40 + me));
    check(pwrite(file, back, PAGE, (me + 1) * (off_t)PAGE) == (ssize_t)PAGE);
    meet();
    for (int page = 0; page < CREW; page++)
        expect(area + (size_t)(page + 1) * PAGE, PAGE, (unsigned)(40 + page));
}

BODY {
    char name[] = "conform.XXXXXX";
    file = mkstemp(name);
    check(file >= 0 && unlink(name) == 0);
    check(ftruncate(file, PAGES * (off_t)PAGE) == 0);
    area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    check(area != MAP_FAILED);
    crew(CREW, work);
    /* A second mapping of the file shows the same bytes. */
    byte *second = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, PAGE);
    check(second != MAP_FAILED && second != area);
    expect(second, PAGE, 40);
    area[PAGE] = 0;
    check(second[0] == 0);
    check(msync(area + 1, PAGE, MS_SYNC) == -1 && errno == EINVAL);
    check(munmap(area, PAGES * PAGE) == 0);
    check(msync(second - (uintptr_t)second % PAGE, PAGE, MS_ASYNC) == 0);
    say("file and mapping agree");
}
