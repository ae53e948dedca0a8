/* A private file mapping: threads share what is written to it, the file keeps its content, and nothing lies beyond
 * its end.
 * calls: mmap pread64 munmap
 * recalls: unwatched-memory fault signal */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, PAGES = 6 };
static byte *area, *constant;
static int file;

static void work(int me) {
    expect(constant, PAGES * PAGE - 1000, 9);
    for (int page = me; page < PAGES - 1; page += CREW)
        fill(area + (size_t)page * PAGE, PAGE, (unsigned)(20 + page));
    meet();
    for (int page = 0; page < PAGES - 1; page++)
        expect(area + (size_t)page * PAGE, PAGE, (unsigned)(20 + page));
    /* The last page is the file's, and empty after its end. */
    for (size_t i = (PAGES - 1) * PAGE; i < PAGES * PAGE; i++)
        check(area[i] == (i < PAGES * PAGE - 1000 ? pattern(9, i) : 0));
    expect(constant, PAGES * PAGE - 1000, 9);
    byte back[PAGES * PAGE];
    settle();
    check(pread(file, back, sizeof back, 0) == (ssize_t)sizeof back - 1000);
    expect(back, sizeof back - 1000, 9);
    meet();
    check(fault_of_read(area + PAGES * PAGE + 1) == SIGBUS && fault_code == BUS_ADRERR);
    check(fault_of_write(constant, 1) == SIGSEGV && fault_code == SEGV_ACCERR);
}

BODY {
    catch_faults();
    static byte content[PAGES * PAGE - 1000];
    fill(content, sizeof content, 9);
    file = memfd_create("content", 0);
    check(file >= 0 && write(file, content, sizeof content) == (ssize_t)sizeof content);
    area = mmap(NULL, (PAGES + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    constant = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    check(area != MAP_FAILED && constant != MAP_FAILED);
    crew(CREW, work);
    check(munmap(area, (PAGES + 1) * PAGE) == 0 && munmap(constant, PAGES * PAGE) == 0);
    say("the file is as it was");
}
