/* A process that reaps for its descendants is the parent of those whose own parent ended, and can wait for them.
 * calls: prctl fork wait4 */
#include "children.h"

#include <sys/prctl.h>

BODY {
    int told[2], gone[2], adopted[2];
    make_pipe(told);
    make_pipe(gone);
    make_pipe(adopted);
    check(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    pid_t self = getpid(), middle = split();
    if (middle == 0) {
        pid_t orphan = split();
        if (orphan == 0) {
            close(gone[1]);
            await_end_of_file(gone[0]);
            /* The end of its files comes before the parent is a zombie and its children have another one. */
            for (int i = 0; getppid() != self && i < 5000; i++)
                sleep_ms(1);
            write_all(adopted[1], "", 1);
            _exit(getppid() == self ? 61 : 62);
        }
        write_all(told[1], &orphan, sizeof orphan);
        _exit(60);
    }
    close(gone[1]);
    pid_t orphan;
    check(read_all(told[0], &orphan, sizeof orphan));
    say("the middle ended with %d", end_of(middle));
    char byte;
    check(read_all(adopted[0], &byte, 1));
    say("the orphan ended with %d", end_of(orphan));
    check(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}
