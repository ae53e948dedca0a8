/* SA_RESETHAND puts the default back before the handler runs; SA_NODEFER lets it interrupt itself; without it the same
 * signal waits until the handler has returned.
 * calls: tkill rt_sigaction
 * recalls: signal */
#include "signals.h"

static int depth, deepest, runs;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)info, (void)context;
    runs++;
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (runs < 5)
        must(pthread_kill(pthread_self(), number));
    depth--;
}

static void once(int number, siginfo_t *info, void *context) {
    (void)info, (void)context;
    struct sigaction now;
    check(sigaction(number, NULL, &now) == 0);
    sigset_t mask;
    must(pthread_sigmask(SIG_SETMASK, NULL, &mask));
    say("inside: %s, %s", now.sa_handler == SIG_DFL ? "default" : "handler",
        sigismember(&mask, number) ? "blocked" : "not blocked");
}

static void nest(const char *name, int flags) {
    depth = deepest = runs = 0;
    handle(SIGUSR1, on_signal, flags);
    must(pthread_kill(pthread_self(), SIGUSR1));
    say("%s: runs %d, deepest %d", name, runs, deepest);
}

BODY {
    nest("plain", 0);
    nest("SA_NODEFER", SA_NODEFER);
    handle(SIGCHLD, once, SA_RESETHAND);
    must(pthread_kill(pthread_self(), SIGCHLD));
    must(pthread_kill(pthread_self(), SIGCHLD)); /* ignored by default */
    handle(SIGUSR2, once, SA_RESETHAND | SA_NODEFER);
    must(pthread_kill(pthread_self(), SIGUSR2));
    say("dying");
    must(pthread_kill(pthread_self(), SIGUSR2));
    die("still alive");
}
