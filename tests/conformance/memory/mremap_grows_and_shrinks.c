/* mremap in place: grown pages are empty, what is cut off is gone, and the rest keeps its content for all threads.
 * calls: mremap
 * recalls: fault signal */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, ROUNDS = 12, SMALL = 4, BIG = 12 };
static byte *area;

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        if (round % CREW == me) {
            fill(area, SMALL * PAGE, (unsigned)round);
            check(mremap(area, SMALL * PAGE, BIG * PAGE, 0) == area);
        }
        meet();
        expect(area, SMALL * PAGE, (unsigned)round);
        if ((round + 1) % CREW == me) {
            expect_zero(area + SMALL * PAGE, (BIG - SMALL) * PAGE);
            fill(area + SMALL * PAGE, (BIG - SMALL) * PAGE, 100);
        }
        meet();
        expect(area + SMALL * PAGE, (BIG - SMALL) * PAGE, 100);
        meet();
        if ((round + 2) % CREW == me)
            check(mremap(area, BIG * PAGE, SMALL * PAGE, 0) == area);
        meet();
        expect(area, SMALL * PAGE, (unsigned)round);
        if (round == 5) {
            check(fault_of_read(area + SMALL * PAGE) == SIGSEGV && fault_code == SEGV_MAPERR);
            check(fault_of_write(area + (BIG - 1) * PAGE + 5, 1) == SIGSEGV && fault_code == SEGV_MAPERR);
            settle();
        }
        meet();
    }
}

BODY {
    catch_faults();
    area = map_island(BIG);
    check(munmap(area + SMALL * PAGE, (BIG - SMALL) * PAGE) == 0);
    crew(CREW, work);
    say("grown and shrunk %d times", ROUNDS);
}
