/* 100 GiB without reservation, of which each thread touches a page here and there: all see all, the rest is empty.
 * calls: mmap munmap */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 4, TOUCHED = 100 };
static const size_t SIZE = (size_t)100 << 30;
static byte *area;

static size_t place(int i) { return (size_t)i * (SIZE / TOUCHED) / PAGE * PAGE + (size_t)(i * 37 % 4000); }

static void work(int me) {
    for (int i = me; i < TOUCHED; i += CREW)
        area[place(i)] = pattern(5, (size_t)i);
    meet();
    for (int i = 0; i < TOUCHED; i++) {
        check(area[place(i)] == pattern(5, (size_t)i));
        check(area[place(i) + 50] == 0);
        check(area[place(i) + PAGE] == 0);
    }
    check(area[SIZE - 1] == 0);
}

BODY {
    area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    check(area != MAP_FAILED);
    crew(CREW, work);
    check(munmap(area, SIZE) == 0);
    say("%d pages of 100 GiB", TOUCHED);
}
