/* SIGCHLD tells of children that exit, are killed, stop and continue; SA_NOCLDSTOP and SA_NOCLDWAIT do what they say.
 * calls: wait4 kill
 * recalls: fork signal */
#include "signals.h"

static atomic_int handled;
static siginfo_t got;

static void on_child(int number, siginfo_t *info, void *context) {
    (void)context;
    check(number == SIGCHLD);
    got = *info;
    atomic_fetch_add(&handled, 1);
}

static void report(const char *what, int count, pid_t child) {
    spin_until(&handled, count);
    check(got.si_pid == child && got.si_uid == getuid());
    const char *names[] = {[CLD_EXITED] = "exited",   [CLD_KILLED] = "killed",   [CLD_DUMPED] = "dumped",
                           [CLD_STOPPED] = "stopped", [CLD_TRAPPED] = "trapped", [CLD_CONTINUED] = "continued"};
    say("%s: %s, status %d", what, names[got.si_code], got.si_status);
}

static pid_t sleeper(void) {
    pid_t child = fork();
    check(child >= 0);
    if (child == 0)
        for (;;)
            pause();
    return child;
}

BODY {
    int status;
    handle(SIGCHLD, on_child, SA_RESTART);
    pid_t child = fork();
    check(child >= 0);
    if (child == 0)
        _exit(42);
    report("exit", 1, child);
    check(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 42);

    child = sleeper();
    check(kill(child, SIGSTOP) == 0);
    report("stop", 2, child);
    check(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    check(kill(child, SIGCONT) == 0);
    report("continue", 3, child);
    check(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
    check(kill(child, SIGTERM) == 0);
    report("kill", 4, child);
    siginfo_t info = {0};
    check(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0 && info.si_code == CLD_KILLED);
    check(waitpid(child, &status, WNOHANG) == child && WTERMSIG(status) == SIGTERM);

    handle(SIGCHLD, on_child, SA_RESTART | SA_NOCLDSTOP);
    child = sleeper();
    check(kill(child, SIGSTOP) == 0);
    check(waitpid(child, &status, WUNTRACED) == child);
    check(kill(child, SIGCONT) == 0);
    check(waitpid(child, &status, WCONTINUED) == child);
    check(handled == 4);
    check(kill(child, SIGKILL) == 0);
    report("without stops", 5, child);
    check(waitpid(child, &status, 0) == child);

    handle(SIGCHLD, on_child, SA_RESTART | SA_NOCLDWAIT);
    child = fork();
    check(child >= 0);
    if (child == 0)
        _exit(1);
    check(waitpid(child, &status, 0) == -1 && errno == ECHILD);
    say("nobody to wait for");
}
