/* mremap onto pages that are in use replaces them, for every thread.
 * calls: mremap
 * recalls: fault signal */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, ROUNDS = 9, PAGES = 5 };
static byte *left, *right;

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        if (round % CREW == me)
            fill(left, PAGES * PAGE, (unsigned)(2 * round + 1000));
        if ((round + 1) % CREW == me)
            fill(right, PAGES * PAGE, (unsigned)(2 * round + 1001));
        meet();
        expect(left, PAGES * PAGE, (unsigned)(2 * round + 1000));
        expect(right, PAGES * PAGE, (unsigned)(2 * round + 1001));
        meet();
        if ((round + 2) % CREW == me) {
            check(mremap(left, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, right) == right);
            if (round % 2)
                check(mmap(left, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                           0) == left);
        }
        meet();
        expect(right, PAGES * PAGE, (unsigned)(2 * round + 1000));
        if (round % 2)
            expect_zero(left, PAGES * PAGE);
        else if (round == 4)
            check(fault_of_read(left + 3) == SIGSEGV && fault_code == SEGV_MAPERR);
        if (round == 4)
            settle();
        meet();
        if (round % 2 == 0 && round % CREW == me)
            check(mmap(left, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
                  left);
        meet();
    }
}

BODY {
    catch_faults();
    left = map_island(PAGES);
    right = map_island(PAGES);
    check(mremap(left, PAGE, PAGE, MREMAP_FIXED, right) == MAP_FAILED && errno == EINVAL);
    crew(CREW, work);
    say("replaced %d times", ROUNDS);
}
