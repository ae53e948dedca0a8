/* Every exit status from 0 to 255 arrives, by _exit, exit and quick_exit; larger ones are cut.
 * calls: fork wait4 */
#include "children.h"

BODY {
    for (int status = 0; status < 256; status++) {
        pid_t child = split();
        if (child == 0) {
            if (status % 3 == 0)
                _exit(status);
            if (status % 3 == 1)
                exit(status);
            quick_exit(status);
        }
        check(end_of(child) == status);
    }
    pid_t child = split();
    if (child == 0)
        _exit(0x1234);
    say("all statuses, and 0x1234 as 0x%x", (unsigned)end_of(child));
}
