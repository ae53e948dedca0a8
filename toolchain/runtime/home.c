/* Compiled by rtx-cc, with equivalence points: rtx-cc lets programs call this before fork and its like. */
#include "rtx.h"

/* A thread that runs on a board of another instruction set leaves at the loop's point, and comes back at home. */
__attribute__((noinline, cold)) void __rtx_go_home(void) {
    while (__rtx_shall_leave()) {
    }
    __rtx_is_home();
}
