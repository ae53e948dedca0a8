/* A daemon (forked twice, in a session of its own) outlives the process between, and talks through a pipe afterwards.
 * calls: fork wait4 pipe2 read */
#include "children.h"

static void be_daemon(int to, int middle_gone, pid_t middle) {
    await_end_of_file(middle_gone);
    for (int i = 0; getppid() == middle && i < 5000; i++)
        sleep_ms(1);
    check(getppid() != middle);
    check(getsid(0) == middle && getpgrp() == middle && getpid() != middle);
    write_all(to, "alive", 6);
    _exit(0);
}

BODY {
    int to[2], gone[2];
    make_pipe(to);
    make_pipe(gone);
    pid_t middle = split();
    if (middle == 0) {
        check(setsid() == getpid());
        pid_t self = getpid();
        if (split() == 0) {
            close(gone[1]);
            close(to[0]);
            be_daemon(to[1], gone[0], self);
        }
        _exit(11);
    }
    close(to[1]);
    close(gone[1]);
    say("the middle ended with %d", end_of(middle));
    char text[6];
    check(read_all(to[0], text, sizeof text));
    say("the daemon says it is %s", text);
    await_end_of_file(to[0]);
}
