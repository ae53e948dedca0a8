/* A handler that mends the fault - opens the page, maps it - and returns: the instruction is met again and succeeds, as
 * garbage collectors and checkpointing libraries do it.
 * calls: mmap mprotect
 * recalls: signal fault */
#include "signals.h"

enum { PAGES = 12 };

static char *area;
static atomic_int faults;
static bool dirty[PAGES];

static void on_fault(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    size_t page = (size_t)((char *)info->si_addr - area) / PAGE;
    check(page < PAGES && !dirty[page]);
    dirty[page] = true;
    atomic_fetch_add(&faults, 1);
    if (page == PAGES - 1)
        check(mmap(area + page * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
              MAP_FAILED);
    else
        check(mprotect(area + page * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
}

BODY {
    handle(SIGSEGV, on_fault, 0);
    area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(area != MAP_FAILED);
    for (int i = 0; i < PAGES; i++)
        area[i * PAGE] = (char)i;
    check(munmap(area + (PAGES - 1) * PAGE, PAGE) == 0);
    check(mprotect(area, (PAGES - 1) * PAGE, PROT_READ) == 0);
    for (int i = 0; i < PAGES; i += 2)
        area[i * PAGE + 1] = 1;
    say("faults %d", faults);
    for (int i = 0; i < PAGES; i++)
        area[i * PAGE + 2] = 2;
    say("faults %d", faults);
    for (int i = 0; i < PAGES - 1; i++)
        check(area[i * PAGE] == i && area[i * PAGE + 1] == (i % 2 == 0) && area[i * PAGE + 2] == 2);
    check(area[(PAGES - 1) * PAGE] == 0 && area[(PAGES - 1) * PAGE + 2] == 2);
}
