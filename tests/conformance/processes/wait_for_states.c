/* waitpid with WUNTRACED and WCONTINUED, and waitid with WNOWAIT: a child that stops, goes on and is killed is seen in
 * each state.
 * calls: fork wait4 waitid kill */
#include "children.h"

BODY {
    pid_t child = split();
    if (child == 0) {
        raise(SIGSTOP);
        for (;;)
            pause();
    }
    int status;
    check(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    say("stopped by %s", WSTOPSIG(status) == SIGSTOP ? "SIGSTOP" : "another signal");
    check(waitpid(child, &status, WUNTRACED | WNOHANG) == 0);
    check(kill(child, SIGCONT) == 0);
    check(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
    say("continued");
    check(kill(child, SIGTSTP) == 0);
    siginfo_t info = {0};
    /* Without a terminal or in an orphaned group SIGTSTP may be discarded, so it is followed by SIGSTOP. */
    check(kill(child, SIGSTOP) == 0);
    check(waitid(P_PID, (id_t)child, &info, WSTOPPED | WNOWAIT) == 0 && info.si_code == CLD_STOPPED);
    check(waitid(P_PID, (id_t)child, &info, WSTOPPED) == 0 && info.si_code == CLD_STOPPED && info.si_pid == child);
    say("stopped again");
    check(kill(child, SIGKILL) == 0);
    check(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0 && info.si_code == CLD_KILLED);
    check(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    say("killed by %d, as waitid said: %d", WTERMSIG(status), info.si_status);
    check(waitid(P_PID, (id_t)child, &info, WEXITED) == -1 && errno == ECHILD);
    check(waitid(P_PID, (id_t)child, &info, 0) == -1 && errno == EINVAL);
}
