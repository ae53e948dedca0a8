/* mincore: a page that any thread has written is in memory, one that nobody touched is not, one that was given back
 * is not.
 * calls: mincore madvise */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, PAGES = 18 };
static byte *area;

static void show(const char *when) {
    byte where[PAGES];
    char text[PAGES + 1] = {0};
    check(mincore(area, PAGES * PAGE, where) == 0);
    for (int page = 0; page < PAGES; page++)
        text[page] = where[page] & 1 ? '#' : '.';
    say("%s: %s", when, text);
}

static void work(int me) {
    if (me == 0)
        show("at first");
    meet();
    /* Not in a row: what follows memory that is touched in order may be in memory before it is touched. */
    for (int page = 6 * me; page < 6 * me + 6; page += 3)
        area[(size_t)page * PAGE] = 1;
    meet();
    if (me == 1)
        show("written");
    meet();
    if (me == 2)
        check(madvise(area, 8 * PAGE, MADV_DONTNEED) == 0);
    meet();
    if (me == 0)
        show("given back");
}

BODY {
    area = map_island(PAGES);
    check(madvise(area, PAGES * PAGE, MADV_NOHUGEPAGE) == 0 || errno == EINVAL);
    crew(CREW, work);
    byte where;
    check(mincore(area + 1, PAGE, &where) == -1 && errno == EINVAL);
    check(mincore(area, PAGE, NULL) == -1 && errno == EFAULT);
    check(mincore(area - PAGE, PAGE, &where) == 0);
}
