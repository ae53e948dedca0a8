/* Sessions: setsid in a forked child makes it leader of a session and a group without terminal; a group leader cannot
 * do so; a parent cannot move a child out of its session.
 * calls: fork wait4 getsid setpgid */
#include "children.h"

BODY {
    int up[2], down[2];
    make_pipe(up);
    make_pipe(down);
    pid_t session = getsid(0);
    pid_t child = split();
    if (child == 0) {
        check(getsid(0) == session);
        check(setsid() == getpid() && getsid(0) == getpid() && getpgrp() == getpid());
        check(setsid() == -1 && errno == EPERM);
        check(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO);
        write_all(up[1], "", 1);
        char byte;
        check(read_all(down[0], &byte, 1));
        _exit(14);
    }
    char byte;
    check(read_all(up[0], &byte, 1));
    check(getsid(child) == child && getpgid(child) == child && getsid(0) == session);
    check(setpgid(child, getpgrp()) == -1 && errno == EPERM);
    write_all(down[1], "", 1);
    say("the session's leader ended with %d", end_of(child));
}
