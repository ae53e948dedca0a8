/* A daemon goes on after the program itself has ended: it waits for that, then writes the last line of its output.
 * calls: fork wait4 pipe2 */
#include "children.h"

static int alive[2];

BODY {
    make_pipe(alive);
    pid_t program = getpid(), middle = split();
    if (middle == 0) {
        check(setsid() == getpid());
        if (split() == 0) {
            close(alive[1]);
            /* Only the program still has the other end. */
            await_end_of_file(alive[0]);
            for (int i = 0; kill(program, 0) == 0 && i < 5000; i++)
                sleep_ms(1);
            check(kill(program, 0) == -1 && errno == ESRCH);
            say("the daemon writes last");
            _exit(0);
        }
        _exit(0);
    }
    check(end_of(middle) == 0);
    say("the program ends");
}
