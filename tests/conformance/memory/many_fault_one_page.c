/* Many threads touch the same fresh pages at the same moment: each page is empty once, and no write to it is lost.
 * calls: mmap munmap futex */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 6, ROUNDS = 12, PAGES = 6 };
static byte *area;

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        if (round % CREW == me)
            area = map_pages(PAGES);
        meet();
        for (int page = 0; page < PAGES; page++) {
            byte *at = area + (size_t)page * PAGE;
            /* Half of the rounds begin by reading, half by writing. */
            if (round % 2)
                check(at[PAGE - 1] == 0);
            _Atomic uint32_t *sum = (_Atomic uint32_t *)at;
            atomic_fetch_add(sum, (uint32_t)(me + 1));
            at[100 + me] = (byte)(me + 1);
        }
        meet();
        for (int page = 0; page < PAGES; page++) {
            byte *at = area + (size_t)page * PAGE;
            check(*(_Atomic uint32_t *)at == CREW * (CREW + 1) / 2);
            for (int i = 0; i < CREW; i++)
                check(at[100 + i] == i + 1);
            check(at[99] == 0 && at[100 + CREW] == 0);
        }
        meet();
        if ((round + 1) % CREW == me)
            check(munmap(area, PAGES * PAGE) == 0);
        meet();
    }
}

BODY {
    crew(CREW, work);
    say("%d rounds of %d threads", ROUNDS, CREW);
}
