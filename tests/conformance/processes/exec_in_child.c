/* fork and exec in all its forms: arguments, environment, the signal mask and ignored signals are handed on; handlers
 * and descriptors that close on exec are not.
 * calls: fork wait4 rt_sigaction rt_sigprocmask */
#include "roles.h"

static void handler(int signal) {
    (void)signal;
}

static int role(int count, char **args) {
    int kept = atoi(args[1]), closed = atoi(args[2]);
    struct sigaction usr1, usr2;
    sigset_t mask;
    check(sigaction(SIGUSR1, NULL, &usr1) == 0 && sigaction(SIGUSR2, NULL, &usr2) == 0);
    must(pthread_sigmask(SIG_BLOCK, NULL, &mask));
    say("%s: %d arguments, kept %s, closed %s, USR1 %s, USR2 %s, HUP %s, VARIABLE=%s", args[0], count,
        fcntl(kept, F_GETFD) >= 0 ? "open" : "closed", fcntl(closed, F_GETFD) >= 0 ? "open" : "closed",
        usr1.sa_handler == SIG_DFL ? "default" : "kept", usr2.sa_handler == SIG_IGN ? "ignored" : "other",
        sigismember(&mask, SIGHUP) ? "blocked" : "open", getenv("VARIABLE"));
    return 8;
}

BODY {
    struct sigaction act = {.sa_handler = handler};
    check(sigaction(SIGUSR1, &act, NULL) == 0);
    act.sa_handler = SIG_IGN;
    check(sigaction(SIGUSR2, &act, NULL) == 0);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGHUP);
    must(pthread_sigmask(SIG_BLOCK, &mask, NULL));
    must(setenv("VARIABLE", "inherited", 1));
    char kept[16], closed[16];
    snprintf(kept, sizeof kept, "%d", dup(STDOUT_FILENO));
    snprintf(closed, sizeof closed, "%d", open(SELF, O_RDONLY | O_CLOEXEC));
    char *environment[] = {"VARIABLE=given", NULL};
    for (int way = 0; way < 4; way++) {
        const char *names[] = {"execve", "execvp", "fexecve", "execl"};
        char *args[] = {"self", (char *)names[way], kept, closed, NULL};
        pid_t child = split();
        if (child == 0) {
            if (way == 0)
                execve(SELF, args, environment);
            else if (way == 1)
                execvp(SELF, args);
            else if (way == 2)
                fexecve(open(SELF, O_RDONLY), args, environment);
            else
                execl(SELF, "self", args[1], kept, closed, "another", (char *)NULL);
            _exit(99);
        }
        check(end_of(child) == 8);
    }
    pid_t child = split();
    if (child == 0) {
        char *args[] = {"nothing", NULL};
        check(execv("/proc/self/nothing", args) == -1 && errno == ENOENT);
        check(execv("/proc/self/fd", args) == -1 && errno == EACCES);
        _exit(9);
    }
    say("an exec that fails goes on: %d", end_of(child));
}
