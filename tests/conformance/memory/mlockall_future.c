/* With all present and future mappings locked, threads share old and new memory as ever.
 * calls: mlockall munlockall mmap */
#include "../crew.h"
#include "../pages.h"
#include <sys/resource.h>

enum { CREW = 3, PAGES = 8 };
static byte *area, *later[CREW];

static void work(int me) {
    later[me] = map_pages(PAGES);
    expect_zero(later[me], PAGES * PAGE);
    fill(later[me], PAGES * PAGE, (unsigned)me);
    fill(area + (size_t)me * PAGE, PAGE, 50);
    meet();
    for (int other = 0; other < CREW; other++) {
        expect(later[other], PAGES * PAGE, (unsigned)other);
        expect(area + (size_t)other * PAGE, PAGE, 50);
    }
    meet();
    check(munmap(later[(me + 1) % CREW], PAGES * PAGE) == 0);
}

BODY {
    struct rlimit limit;
    check(getrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    check(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    area = map_island(CREW);
    fill(area, CREW * PAGE, 1);
    check(mlockall(MCL_CURRENT | MCL_FUTURE) == 0);
    crew(CREW, work);
    check(munlockall() == 0);
    crew(CREW, work);
    check(mlockall(64) == -1 && errno == EINVAL);
    say("locked and unlocked");
}
