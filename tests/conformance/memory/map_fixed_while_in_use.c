/* Pages that one thread replaces by fresh ones while others read and write them are always there.
 * calls: mmap
 * takes: 120 */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 4, PAGES = 16, ROUNDS = 300 };

static byte *shared;
static _Atomic int over;

static void replace(void) {
    for (int i = 0; i < ROUNDS; i++) {
        size_t first = (size_t)i * 7 % PAGES;
        size_t pages = PAGES - first < 5 ? PAGES - first : 5;
        byte *at = shared + first * PAGE;
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
        check(mmap(at, pages * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0) == at);
    }
    over = 1;
}

static void work(int me) {
    if (me == 0) {
        replace();
        return;
    }
    for (size_t i = 0; !over; i++) {
        volatile byte *at = shared + i * 5 % PAGES * PAGE;
        if (me % 2)
            check(*at <= 1);
        else
            *at = 1;
    }
}

BODY {
    shared = map_pages(PAGES);
    crew(CREW, work);
    say("%d replacements", ROUNDS);
}
