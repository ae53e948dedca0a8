/* mremap grows no mapping beyond a limit that is set after threads have gone elsewhere.
 * calls: mmap mremap prlimit64
 * takes: 60 */
#include "../crew.h"
#include "../pages.h"
#include <sys/resource.h>

enum { PAGES = 16 };
static const size_t much = 1ul << 30;

/* Bytes of address space the program has. */
static size_t used(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    check(file != NULL && fscanf(file, "%lu", &pages) == 1);
    fclose(file);
    return pages * PAGE;
}

static void work(int me) {
    byte *at = map_pages(PAGES);
    fill(at, PAGES * PAGE, (unsigned)me);
    struct rlimit limit;
    check(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = used() + much;
    check(setrlimit(RLIMIT_AS, &limit) == 0);
    check(mremap(at, PAGES * PAGE, 2 * much, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM);
    at = mremap(at, PAGES * PAGE, much / 2, MREMAP_MAYMOVE);
    check(at != MAP_FAILED);
    limit.rlim_cur = limit.rlim_max;
    check(setrlimit(RLIMIT_AS, &limit) == 0);
    at = mremap(at, much / 2, 2 * much, MREMAP_MAYMOVE);
    check(at != MAP_FAILED);
    expect(at, PAGES * PAGE, (unsigned)me);
    check(munmap(at, 2 * much) == 0);
}

BODY {
    crew(1, work);
    say("limited");
}
