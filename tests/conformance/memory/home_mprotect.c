/* The main thread takes rights from pages that other threads use, and gives them back: each thread has the new rights
 * at once.
 * calls: futex
 * recalls: fault signal
 * home: the main thread makes the calls */
#define BODY_AT_HOME
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, ROUNDS = 3, PAGES = 6 };
static byte *area;

static void work(int me) {
    byte *mine = area + (size_t)me * PAGE;
    for (int round = 0; round < ROUNDS; round++) {
        fill(mine, PAGE, (unsigned)(round + me));
        fill(mine + CREW * PAGE, PAGE, (unsigned)(round + me + 50));
        meet();
        meet(); /* read-only now */
        for (int i = 0; i < CREW; i++) {
            check(fault_of_write(area + (size_t)i * PAGE + 5, 0) == SIGSEGV && fault_code == SEGV_ACCERR);
            expect(area + (size_t)i * PAGE, PAGE, (unsigned)(round + i));
        }
        settle();
        fill(mine + CREW * PAGE, PAGE, (unsigned)(round + me + 60));
        meet();
        meet(); /* not accessible now */
        check(fault_of_read(mine + 7) == SIGSEGV && fault_code == SEGV_ACCERR);
        check(fault_of_write(mine + 8, 0) == SIGSEGV && fault_code == SEGV_ACCERR);
        settle();
        meet();
        meet(); /* writable again */
        for (int i = 0; i < CREW; i++)
            expect(area + (size_t)i * PAGE, PAGE, (unsigned)(round + i));
        meet();
    }
}

BODY {
    catch_faults();
    area = map_island(PAGES);
    crew_begin(CREW, 1, work);
    for (int round = 0; round < ROUNDS; round++) {
        meet();
        check(mprotect(area, CREW * PAGE, PROT_READ) == 0);
        check(fault_of_write(area + 5, 0) == SIGSEGV && fault_code == SEGV_ACCERR);
        meet();
        meet();
        for (int i = 0; i < CREW; i++)
            expect(area + (size_t)(CREW + i) * PAGE, PAGE, (unsigned)(round + i + 60));
        check(mprotect(area, CREW * PAGE, PROT_NONE) == 0);
        meet();
        meet();
        check(mprotect(area, CREW * PAGE, PROT_READ | PROT_WRITE) == 0);
        meet();
        meet();
    }
    crew_end();
    say("rights follow %d times", ROUNDS);
}
