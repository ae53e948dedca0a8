/* A mapping that grows down does so on faults just beneath it, in whichever thread, and not beyond what lies below.
 * calls: mmap munmap
 * recalls: fault signal */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, ROOM = 600, STEP = 5 };
static byte *top;

static byte *room;

static void work(int me) {
    /* Not before all threads are there: their stacks could come to lie in the room. */
    meet();
    if (me == 0) {
        check(munmap(room + PAGE, (ROOM - 2) * PAGE) == 0);
        byte *first = mmap(top - PAGE, PAGE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
        check(first == top - PAGE);
    }
    meet();
    /* One after the other, each a few pages further down. */
    for (int step = 0; step < 6; step++) {
        if (step % CREW == me) {
            byte *at = top - (size_t)(step + 1) * STEP * PAGE;
            check(at[64] == 0);
            fill(at, STEP * PAGE, (unsigned)step);
        }
        meet();
        for (int done = 0; done <= step; done++)
            expect(top - (size_t)(done + 1) * STEP * PAGE, STEP * PAGE, (unsigned)done);
        meet();
    }
}

BODY {
    catch_faults();
    room = mmap(NULL, ROOM * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(room != MAP_FAILED);
    top = room + (ROOM - 1) * PAGE;
    crew(CREW, work);
    /* The page at the bottom may not be touched, whatever grows towards it. */
    check(fault_of_read(room) == SIGSEGV && fault_code == SEGV_ACCERR);
    say("grew down");
}
