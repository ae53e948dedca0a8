/* A file cut off beneath its mappings: SIGBUS where it no longer reaches, empty pages when it grows again.
 * calls: mmap ftruncate
 * recalls: fault signal unwatched-memory */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 2, PAGES = 4 };
static byte *shared, *private;
static int file;

static void work(int me) {
    for (int page = 0; page < PAGES; page++) {
        expect(shared + (size_t)page * PAGE, PAGE, (unsigned)page);
        check(private[(size_t)page * PAGE] == pattern((unsigned)page, 0));
    }
    meet();
    settle();
    if (me == 0)
        check(ftruncate(file, PAGE + 100) == 0);
    meet();
    expect(shared, PAGE, 0);
    check(shared[PAGE] == pattern(1, 0) && shared[PAGE + 99] == pattern(1, 99));
    check(shared[PAGE + 100] == 0);
    check(fault_of_read(shared + 2 * PAGE) == SIGBUS && fault_code == BUS_ADRERR);
    check(fault_of_write(shared + 3 * PAGE + 8, 1) == SIGBUS && fault_code == BUS_ADRERR);
    check(private[0] == pattern(0, 0));
    check(fault_of_read(private + 2 * PAGE) == SIGBUS && fault_code == BUS_ADRERR);
    settle();
    meet();
    if (me == 1)
        check(ftruncate(file, PAGES * (off_t)PAGE) == 0);
    meet();
    expect_zero(shared + 2 * PAGE, 2 * PAGE);
    expect_zero(private + 2 * PAGE, 2 * PAGE);
    meet();
    fill(shared + (size_t)(2 + me) * PAGE, PAGE, (unsigned)(30 + me));
    meet();
    expect(shared + 2 * PAGE, PAGE, 30);
    expect(shared + 3 * PAGE, PAGE, 31);
}

BODY {
    catch_faults();
    char name[] = "conform.XXXXXX";
    file = mkstemp(name);
    check(file >= 0 && unlink(name) == 0);
    for (unsigned page = 0; page < PAGES; page++) {
        byte content[PAGE];
        fill(content, PAGE, page);
        check(write(file, content, PAGE) == (ssize_t)PAGE);
    }
    shared = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    private = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    check(shared != MAP_FAILED && private != MAP_FAILED);
    crew(CREW, work);
    say("cut off and extended");
}
