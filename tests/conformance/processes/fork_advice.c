/* A forked child gets zeros for memory that is to be wiped at fork, no memory where none is to be inherited, and
 * everything else as it was.
 * calls: fork wait4 madvise mmap */
#include "children.h"

enum { PAGES = 8 };

static unsigned char *map_filled(int with) {
    unsigned char *at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(at != MAP_FAILED);
    memset(at, with, PAGES * PAGE);
    return at;
}

static bool all(const unsigned char *at, int are) {
    for (size_t i = 0; i < PAGES * PAGE; i++)
        if (at[i] != are)
            return false;
    return true;
}

BODY {
    unsigned char *plain = map_filled(1), *wiped = map_filled(2), *kept = map_filled(3), *restored = map_filled(4);
    check(madvise(wiped, PAGES * PAGE, MADV_WIPEONFORK) == 0);
    check(madvise(kept, PAGES * PAGE, MADV_DONTFORK) == 0);
    check(madvise(restored, PAGES * PAGE, MADV_WIPEONFORK) == 0);
    check(madvise(restored, PAGES * PAGE, MADV_KEEPONFORK) == 0);
    pid_t child = split();
    if (child == 0) {
        check(all(plain, 1));
        check(all(wiped, 0));
        check(all(restored, 4));
        unsigned char state[PAGES];
        check(mincore(kept, PAGES * PAGE, state) == -1 && errno == ENOMEM);
        memset(wiped, 9, PAGES * PAGE);
        _exit(5);
    }
    check(end_of(child) == 5);
    check(all(plain, 1) && all(wiped, 2) && all(kept, 3) && all(restored, 4));
    say("the child got what it was to get");
}
