/* When one thread takes rights away or gives them, every thread has exactly the new ones, and content stays.
 * calls: mprotect
 * recalls: fault signal */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, PAGES = 3 };
static byte *area;

static void work(int me) {
    fill(area + (size_t)me * PAGE, PAGE, (unsigned)me);
    meet();
    for (int page = 0; page < PAGES; page++)
        expect(area + (size_t)page * PAGE, PAGE, (unsigned)page);
    meet();
    if (me == 0)
        check(mprotect(area, PAGES * PAGE, PROT_READ) == 0);
    meet();
    for (int page = 0; page < PAGES; page++) {
        check(fault_of_write(area + (size_t)page * PAGE + 9, 0) == SIGSEGV && fault_code == SEGV_ACCERR);
        expect(area + (size_t)page * PAGE, PAGE, (unsigned)page);
    }
    settle();
    meet();
    if (me == 1)
        check(mprotect(area, PAGES * PAGE, PROT_NONE) == 0);
    meet();
    for (int page = 0; page < PAGES; page++) {
        check(fault_of_read(area + (size_t)page * PAGE + 11) == SIGSEGV && fault_code == SEGV_ACCERR);
        check(fault_of_write(area + (size_t)page * PAGE + 12, 0) == SIGSEGV && fault_code == SEGV_ACCERR);
    }
    settle();
    meet();
    if (me == 2)
        check(mprotect(area, PAGES * PAGE, PROT_READ | PROT_WRITE) == 0);
    meet();
    for (int page = 0; page < PAGES; page++)
        expect(area + (size_t)page * PAGE, PAGE, (unsigned)page);
    meet();
    fill(area + (size_t)((me + 1) % PAGES) * PAGE, PAGE, (unsigned)me + 50);
    meet();
    for (int page = 0; page < PAGES; page++)
        expect(area + (size_t)((page + 1) % PAGES) * PAGE, PAGE, (unsigned)page + 50);
}

BODY {
    catch_faults();
    area = map_island(PAGES);
    crew(CREW, work);
    say("rights follow");
}
