/* In a handler its signal and sa_mask are blocked, afterwards the old mask is back, and what came meanwhile is delivered
 * then, in ascending order; a handler can change the mask that it returns to.
 * calls: tkill rt_sigprocmask
 * recalls: signal */
#include "signals.h"

static char order[64];

static void note(const char *text) { strcat(order, text); }

static bool blocked(int number) {
    sigset_t mask;
    must(pthread_sigmask(SIG_SETMASK, NULL, &mask));
    return sigismember(&mask, number) == 1;
}

static void inner(int number, siginfo_t *info, void *context) {
    (void)info, (void)context;
    note(number == SIGUSR2 ? "[2]" : "[t]");
}

static void outer(int number, siginfo_t *info, void *context) {
    (void)info;
    note("(");
    check(blocked(number) && blocked(SIGUSR2) && blocked(SIGTERM) && !blocked(SIGHUP));
    must(pthread_kill(pthread_self(), SIGTERM));
    must(pthread_kill(pthread_self(), SIGUSR2));
    note("-");
    unblock(SIGTERM);
    note(")");
    sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGHUP);
}

BODY {
    struct sigaction action = {.sa_sigaction = outer, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaddset(&action.sa_mask, SIGTERM);
    check(sigaction(SIGUSR1, &action, NULL) == 0);
    handle(SIGUSR2, inner, 0);
    handle(SIGTERM, inner, 0);
    for (int i = 0; i < 3; i++) {
        unblock(SIGHUP);
        must(pthread_kill(pthread_self(), SIGUSR1));
        check(!blocked(SIGUSR1) && !blocked(SIGUSR2) && !blocked(SIGTERM) && blocked(SIGHUP));
    }
    say("%s", order);
}
