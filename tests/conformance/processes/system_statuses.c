/* system runs a shell and gives its status; meanwhile SIGINT and SIGQUIT of the caller are ignored, and afterwards all
 * is as before, SIGCHLD handlers included.
 * calls: clone wait4 */
#include "../signals/signals.h"
#include "children.h"

static volatile sig_atomic_t interrupts;

static void count(int signal) {
    (void)signal;
    interrupts++;
}

/* Signals to the process shall reach the caller itself. */
__attribute__((constructor)) static void block_interrupts(void) {
    block_in_main(SIGINT);
}

BODY {
    unblock(SIGINT);
    check(system(NULL) != 0);
    struct sigaction counting = {.sa_handler = count}, before;
    check(sigaction(SIGINT, &counting, NULL) == 0);
    int statuses[] = {0, 1, 77, 255};
    for (int i = 0; i < 4; i++) {
        char command[32];
        snprintf(command, sizeof command, "exit %d", statuses[i]);
        int status = system(command);
        check(WIFEXITED(status));
        say("exit %d", WEXITSTATUS(status));
    }
    int status = system("kill -TERM $$");
    check(WIFSIGNALED(status));
    say("signal %d", WTERMSIG(status));
    /* The caller ignores what the shell sends it. */
    status = system("kill -INT $PPID");
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    check(sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler == count);
    say("interrupts %d", (int)interrupts);
    raise(SIGINT);
    say("interrupts %d", (int)interrupts);
    check(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}
