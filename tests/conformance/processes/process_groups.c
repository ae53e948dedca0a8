/* Process groups: children are put into groups, waited for by group, and signalled by group.
 * calls: fork setpgid getpgid wait4 kill */
#include "children.h"

enum { EACH = 3 };

/* A child that says its group is set, then waits for a signal. */
static pid_t member(pid_t group) {
    int ends[2];
    make_pipe(ends);
    pid_t child = split();
    if (child == 0) {
        check(setpgid(0, group) == 0);
        check(getpgrp() == (group ? group : getpid()));
        write_all(ends[1], "", 1);
        for (;;)
            pause();
    }
    char byte;
    check(read_all(ends[0], &byte, 1));
    close(ends[0]);
    close(ends[1]);
    check(setpgid(child, group) == 0 && getpgid(child) == (group ? group : child));
    return child;
}

BODY {
    pid_t own = getpgrp(), groups[2];
    for (int g = 0; g < 2; g++) {
        groups[g] = member(0);
        for (int i = 1; i < EACH; i++)
            member(groups[g]);
    }
    check(getpgrp() == own && getpgid(0) == own);
    check(waitpid(0, NULL, WNOHANG) == -1 && errno == ECHILD);
    check(waitpid(-groups[1], NULL, WNOHANG) == 0);
    check(kill(-groups[0], SIGTERM) == 0);
    int status, ended = 0;
    while (waitpid(-groups[0], &status, 0) > 0) {
        check(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
        ended++;
    }
    check(errno == ECHILD);
    say("%d of the first group", ended);
    errno = 0;
    check(kill(-groups[0], 0) == -1 && errno == ESRCH);
    check(kill(-groups[1], 0) == 0);
    check(killpg(groups[1], SIGKILL) == 0);
    siginfo_t info;
    for (ended = 0; waitid(P_PGID, (id_t)groups[1], &info, WEXITED) == 0; ended++)
        check(info.si_code == CLD_KILLED && info.si_status == SIGKILL);
    say("%d of the second group", ended);
    check(setpgid(getpid(), 1) == -1 && errno == EPERM);
}
