/* A child that asked for a signal at its parent's death gets it when the thread that forked it ends, though the process
 * goes on.
 * calls: fork exit */
#include "children.h"

#include <sys/prctl.h>

static int up[2];

static void await_signal(void) {
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &usr1, NULL));
    check(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
    write_all(up[1], "", 1);
    siginfo_t info;
    int signal;
    while ((signal = sigwaitinfo(&usr1, &info)) < 0)
        check(errno == EINTR);
    _exit(signal == SIGUSR1 ? 44 : 1);
}

static void *fork_and_end(void *arg) {
    settle();
    pid_t *child = arg;
    *child = split();
    if (*child == 0)
        await_signal();
    char byte;
    check(read_all(up[0], &byte, 1));
    return arg;
}

BODY {
    make_pipe(up);
    pid_t child;
    join(spawn(fork_and_end, &child));
    say("the child ended with %d", end_of(child));
}
