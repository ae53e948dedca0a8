/* fork from a child thread: the new process has one thread, is a child of this process, and ends with its own status.
 * calls: fork wait4 getpid getppid */
#include "children.h"

BODY {
    pid_t self = getpid();
    check(gettid() != self);
    int ends[2];
    make_pipe(ends);
    pid_t child = split();
    if (child == 0) {
        struct {
            pid_t pid, tid, parent;
        } mine = {getpid(), gettid(), getppid()};
        write_all(ends[1], &mine, sizeof mine);
        _exit(42);
    }
    pid_t told[3];
    check(read_all(ends[0], told, sizeof told));
    check(told[0] == child && told[1] == child && told[2] == self);
    check(getpid() == self && gettid() != self && getppid() != child);
    say("the child ended with %d", end_of(child));
    errno = 0;
    check(waitpid(child, NULL, 0) == -1 && errno == ECHILD);
}
