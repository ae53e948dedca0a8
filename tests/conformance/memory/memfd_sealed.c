/* A memfd shared by mapping and by read and write; seals hold against every thread.
 * calls: memfd_create fcntl mmap pwrite64 pread64 munmap
 * recalls: unwatched-memory */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, PAGES = 3 };
static byte *area;
static int file;

static void work(int me) {
    byte page[PAGE];
    fill(area + (size_t)me * PAGE, PAGE, (unsigned)me);
    meet();
    settle();
    int other = (me + 1) % CREW;
    check(pread(file, page, PAGE, other * (off_t)PAGE) == (ssize_t)PAGE);
    expect(page, PAGE, (unsigned)other);
    meet();
    if (me == 0) {
        check(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE) == -1 && errno == EBUSY);
        check(munmap(area, PAGES * PAGE) == 0);
        check(fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0);
        area = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_SHARED, file, 0);
        check(area != MAP_FAILED);
    }
    meet();
    check(pwrite(file, page, PAGE, 0) == -1 && errno == EPERM);
    check(ftruncate(file, PAGE) == -1 && errno == EPERM);
    check(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) == MAP_FAILED && errno == EPERM);
    check(fcntl(file, F_GET_SEALS) == (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
    for (int page_of = 0; page_of < CREW; page_of++)
        expect(area + (size_t)page_of * PAGE, PAGE, (unsigned)page_of);
}

BODY {
    file = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    check(file >= 0 && ftruncate(file, PAGES * (off_t)PAGE) == 0);
    area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    check(area != MAP_FAILED);
    crew(CREW, work);
    say("sealed");
}
