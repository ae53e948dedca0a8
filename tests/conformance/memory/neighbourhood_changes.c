/* One thread changes mappings in every way all the time, while others use the pages between them without pause.
 * calls: mmap munmap mprotect mremap madvise */
#include "churn.h"

enum { CREW = 3, ROUNDS = 60 };

static void work(int me) {
    if (me == CREW - 1)
        churn(ROUNDS);
    else
        check(churn_use(me, CREW - 1) > 0);
}

BODY {
    churn_prepare();
    crew(CREW, work);
    say("%d changes", ROUNDS);
}
