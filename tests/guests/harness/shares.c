/* Touches memory that boards cannot have, and does not say so.
 * calls: mmap */
#include "../../conformance/conform.h"

BODY {
    volatile int *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(shared != MAP_FAILED);
    *shared = 7;
    say("shared %d", *shared);
}
