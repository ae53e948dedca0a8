/* SIGCHLD tells a handler which child ended and how; with SA_NOCLDWAIT children leave
 * nothing behind.
 * calls: fork wait4 rt_sigaction */
#include "children.h"

static volatile pid_t seen;
static volatile int code, status;

static void on_child(int signal, siginfo_t *info, void *context) {
    (void)context;
    check(signal == SIGCHLD);
    code = info->si_code;
    status = info->si_status;
    seen = info->si_pid;
}

static pid_t child_ending_with(int value) {
    pid_t child = split();
    if (child == 0)
        _exit(value);
    return child;
}

BODY {
    struct sigaction act = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART | SA_NOCLDSTOP};
    check(sigaction(SIGCHLD, &act, NULL) == 0);
    pid_t child = child_ending_with(7);
    while (seen != child)
        sched_yield();
    say("a handler saw code %d, status %d", code == CLD_EXITED, status);
    check(end_of(child) == 7);
    act = (struct sigaction){.sa_handler = SIG_DFL};
    check(sigaction(SIGCHLD, &act, NULL) == 0);
    say("the default ignores it");
    end_of(child_ending_with(1));
    act.sa_flags = SA_NOCLDWAIT;
    check(sigaction(SIGCHLD, &act, NULL) == 0);
    child = child_ending_with(9);
    check(waitpid(child, NULL, 0) == -1 && errno == ECHILD);
    say("nothing is left behind");
}
