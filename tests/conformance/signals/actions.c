/* sigaction: what was set is told, by any thread to any other; what cannot be set is refused.
 * calls: rt_sigaction
 * recalls: signal */
#include "signals.h"

static atomic_int first, second;

static void one(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    atomic_fetch_add(&first, 1);
}

static void other(int number) {
    (void)number;
    atomic_fetch_add(&second, 1);
}

static void *change(void *arg) {
    struct sigaction old;
    check(sigaction(SIGUSR1, NULL, &old) == 0);
    check(old.sa_sigaction == one && (old.sa_flags & SA_SIGINFO) && (old.sa_flags & SA_RESTART));
    check(sigismember(&old.sa_mask, SIGHUP) == 1 && sigismember(&old.sa_mask, SIGINT) == 0);
    check(signal(SIGUSR1, other) != SIG_ERR);
    return arg;
}

BODY {
    struct sigaction action = {.sa_sigaction = one, .sa_flags = SA_SIGINFO | SA_RESTART}, old;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGHUP);
    check(sigaction(SIGUSR1, &action, &old) == 0 && old.sa_handler == SIG_DFL);
    raise(SIGUSR1);
    join(spawn(change, NULL));
    raise(SIGUSR1);
    say("first %d, second %d", first, second);
    check(sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_handler == other && !(old.sa_flags & SA_SIGINFO));
    int refused[] = {SIGKILL, SIGSTOP, 0, 65, -1, 32, 33, 34};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        int result = sigaction(refused[i], &action, NULL);
        say("signal %d: %s", refused[i], result == 0 ? "set" : strerror(errno));
    }
    say("SIGRTMIN %d, SIGRTMAX %d", SIGRTMIN, SIGRTMAX);
}
