/* MAP_FIXED over used pages: all threads see the new mapping, whatever it is, and the neighbours as before.
 * calls: mmap
 * recalls: fault signal unwatched-memory */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, PAGES = 8 };
static byte *area;
static int file;

static void use(int me, unsigned seed) {
    if (me == 0)
        fill(area, PAGES * PAGE, seed);
    meet();
    expect(area, PAGES * PAGE, seed);
    meet();
}

static void replace(int rights, int flags, int from) {
    check(mmap(area + 2 * PAGE, 3 * PAGE, rights, flags | MAP_FIXED, from, 0) == area + 2 * PAGE);
}

static void neighbours(unsigned seed) {
    expect(area, 2 * PAGE, seed);
    for (size_t i = 5 * PAGE; i < PAGES * PAGE; i++)
        check(area[i] == pattern(seed, i));
}

static void work(int me) {
    use(me, 1);
    if (me == 1)
        replace(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    meet();
    expect_zero(area + 2 * PAGE, 3 * PAGE);
    neighbours(1);
    meet();
    use(me, 2);
    if (me == 2)
        replace(PROT_READ | PROT_WRITE, MAP_PRIVATE, file);
    meet();
    expect(area + 2 * PAGE, 3 * PAGE, 70);
    neighbours(2);
    meet();
    use(me, 3);
    if (me == 0)
        replace(PROT_READ, MAP_PRIVATE, file);
    meet();
    expect(area + 2 * PAGE, 3 * PAGE, 70);
    check(fault_of_write(area + 4 * PAGE, 1) == SIGSEGV && fault_code == SEGV_ACCERR);
    settle();
    neighbours(3);
    meet();
    if (me == 1)
        replace(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    meet();
    check(fault_of_read(area + 3 * PAGE) == SIGSEGV && fault_code == SEGV_ACCERR);
    settle();
    neighbours(3);
    meet();
    if (me == 2)
        replace(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
    meet();
    use(me, 4);
}

BODY {
    catch_faults();
    static byte content[3 * PAGE];
    file = memfd_create("content", 0);
    check(file >= 0);
    fill(content, sizeof content, 70);
    check(write(file, content, sizeof content) == (ssize_t)sizeof content);
    area = map_island(PAGES);
    crew(CREW, work);
    say("replaced");
}
