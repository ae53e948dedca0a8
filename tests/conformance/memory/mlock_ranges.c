/* Locked memory is used by all threads like any other; the kernel counts it; DONTNEED is refused until it is unlocked.
 * calls: mlock munlock mlock2 madvise openat */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, PAGES = 16 };
static byte *area;

static long locked_kib(void) {
    char text[4096];
    int file = openat(AT_FDCWD, "/proc/self/status", O_RDONLY);
    check(file >= 0);
    ssize_t n = read(file, text, sizeof text - 1);
    check(n > 0 && close(file) == 0);
    text[n] = 0;
    char *line = strstr(text, "VmLck:");
    check(line != NULL);
    return atol(line + 6);
}

static void exchange(int me, unsigned seed) {
    for (int page = me; page < PAGES; page += CREW)
        fill(area + (size_t)page * PAGE, PAGE, seed + (unsigned)page);
    meet();
    for (int page = 0; page < PAGES; page++)
        expect(area + (size_t)page * PAGE, PAGE, seed + (unsigned)page);
    meet();
}

static void work(int me) {
    exchange(me, 0);
    if (me == 0) {
        check(mlock(area, PAGES * PAGE) == 0);
        say("locked %ld KiB", locked_kib());
        check(madvise(area, PAGE, MADV_DONTNEED) == -1 && errno == EINVAL);
    }
    meet();
    exchange(me, 100);
    exchange(me, 200);
    if (me == 1) {
        check(munlock(area, PAGES * PAGE) == 0);
        say("locked %ld KiB", locked_kib());
        check(madvise(area, PAGE, MADV_DONTNEED) == 0);
        check(syscall(SYS_mlock2, area, 4 * PAGE, 1 /* MLOCK_ONFAULT */) == 0);
        say("locked %ld KiB", locked_kib());
    }
    meet();
    expect_zero(area, PAGE);
    meet();
    exchange(me, 300);
}

BODY {
    area = map_island(PAGES);
    crew(CREW, work);
    check(munlock(area, PAGES * PAGE) == 0);
    say("locked %ld KiB", locked_kib());
}
