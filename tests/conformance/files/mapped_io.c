/* System calls whose buffers are file mappings: shared ones, private ones, and one that maps the very file.
 * calls: mmap pread64 pwrite64
 * recalls: unwatched-memory */
#include "../crew.h"
#include "../pages.h"
#include "scratch.h"

enum { CREW = 2, PAGES = 4 };
static byte *shared, *private, *anonymous;
static int file, other;

static void work(int me) {
    if (me == 0)
        fill(anonymous, PAGES * PAGE, 1);
    meet();
    if (me == 1) {
        /* From pages of the other thread into the file that is mapped shared. */
        check(pwrite(file, anonymous, PAGES * PAGE, 0) == PAGES * (ssize_t)PAGE);
        expect(shared, PAGES * PAGE, 1);
        /* From the mapping into another file, and from there into a private mapping. */
        check(pwrite(other, shared, PAGES * PAGE, 0) == PAGES * (ssize_t)PAGE);
        check(pread(other, private, PAGES * PAGE, 0) == PAGES * (ssize_t)PAGE);
    }
    meet();
    settle();
    expect(private, PAGES * PAGE, 1);
    meet();
    if (me == 0) {
        fill(private, PAGES * PAGE, 2);
        check(pwrite(other, private, PAGES * PAGE, 0) == PAGES * (ssize_t)PAGE);
        /* Into the shared mapping: the file changes. */
        check(pread(other, shared, PAGES * PAGE, 0) == PAGES * (ssize_t)PAGE);
    }
    meet();
    if (me == 1) {
        byte back[PAGE];
        for (int page = 0; page < PAGES; page++) {
            check(pread(file, back, PAGE, page * (off_t)PAGE) == (ssize_t)PAGE);
            for (size_t i = 0; i < PAGE; i++)
                check(back[i] == pattern(2, (size_t)page * PAGE + i));
        }
        /* Within one file by its own mapping, without overlap. */
        check(pwrite(file, shared + PAGE, PAGE, 3 * (off_t)PAGE) == (ssize_t)PAGE);
    }
    meet();
    settle();
    check(memcmp(shared + PAGE, shared + 3 * PAGE, PAGE) == 0 && shared[PAGE] == pattern(2, PAGE));
    expect(private, PAGES * PAGE, 2);
}

BODY {
    file = scratch_file();
    other = scratch_file();
    byte zero[PAGE] = {0};
    for (int i = 0; i < PAGES; i++) {
        write_all(file, zero, PAGE);
        write_all(other, zero, PAGE);
    }
    check(lseek(other, 0, SEEK_SET) == 0);
    read_all(other, zero, PAGE);
    shared = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    private = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, other, 0);
    anonymous = map_pages(PAGES);
    check(shared != MAP_FAILED && private != MAP_FAILED);
    crew(CREW, work);
    say("all agree");
}
