/* mremap to another place: content goes along, the old place is gone, and a new mapping there is empty.
 * calls: mremap mmap munmap
 * recalls: fault signal */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, ROUNDS = 9, PAGES = 8 };
static byte *area, *before;

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        /* Everybody has some of it. */
        for (int page = me; page < PAGES; page += CREW)
            fill(area + (size_t)page * PAGE, PAGE, (unsigned)(round * PAGES + page));
        meet();
        if (round % CREW == me) {
            before = area;
            /* Too long for where it lies: the island's edge forbids growth in place. */
            check(mremap(area, PAGES * PAGE, (PAGES + 4) * PAGE, 0) == MAP_FAILED && errno == ENOMEM);
            byte *moved = mremap(area, PAGES * PAGE, (PAGES + 4) * PAGE, MREMAP_MAYMOVE);
            check(moved != MAP_FAILED && moved != before);
            area = moved;
        }
        meet();
        for (int page = 0; page < PAGES; page++)
            expect(area + (size_t)page * PAGE, PAGE, (unsigned)(round * PAGES + page));
        expect_zero(area + PAGES * PAGE, 4 * PAGE);
        if (round == 4) {
            check(fault_of_read(before + 1) == SIGSEGV && fault_code == SEGV_MAPERR);
            check(fault_of_write(before + (PAGES - 1) * PAGE, 1) == SIGSEGV && fault_code == SEGV_MAPERR);
            settle();
        }
        meet();
        if ((round + 1) % CREW == me) {
            check(munmap(area, (PAGES + 4) * PAGE) == 0);
            area = mmap(before, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
            check(area == before);
        }
        meet();
        expect_zero(area, PAGES * PAGE);
        meet();
    }
}

BODY {
    catch_faults();
    area = map_island(PAGES);
    crew(CREW, work);
    say("moved %d times", ROUNDS);
}
