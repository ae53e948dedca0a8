/* Each thread has its own mask, inherited from its creator at its creation; signals pend for the thread they were sent
 * to, and for the process; sigpending shows both.
 * calls: rt_sigprocmask rt_sigpending tkill kill
 * recalls: signal */
#include "signals.h"

static atomic_int handled;
static pthread_t by_thread;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    by_thread = pthread_self();
    atomic_fetch_add(&handled, 1);
}

static void show(const char *name) {
    sigset_t mask, pending;
    must(pthread_sigmask(SIG_SETMASK, NULL, &mask));
    check(sigpending(&pending) == 0);
    char text[80] = "";
    for (int number = 1; number < 32; number++)
        if (sigismember(&mask, number) || sigismember(&pending, number))
            snprintf(text + strlen(text), sizeof text - strlen(text), " %d%s%s", number,
                     sigismember(&mask, number) ? "b" : "", sigismember(&pending, number) ? "p" : "");
    say("%s:%s", name, text);
}

static void *inherit(void *arg) {
    show("child inherits");
    unblock(SIGUSR1);
    block(SIGINT);
    show("child changes");
    return arg;
}

static void *open_all(void *arg) {
    sigset_t none;
    sigemptyset(&none);
    must(pthread_sigmask(SIG_SETMASK, &none, NULL));
    show("child opens");
    return arg;
}

__attribute__((constructor)) static void begin(void) {
    block_in_main(SIGUSR2);
}

BODY {
    handle(SIGUSR1, on_signal, 0);
    handle(SIGUSR2, on_signal, 0);
    show("at first");
    block(SIGUSR1);
    block(SIGUSR2);
    join(spawn(inherit, NULL));
    show("creator");
    must(pthread_kill(pthread_self(), SIGUSR1));
    show("sent to the thread");
    /* A child inherits no pending signal, and takes none that is the thread's. */
    join(spawn(open_all, NULL));
    check(handled == 0);
    unblock(SIGUSR1);
    check(handled == 1 && pthread_equal(by_thread, pthread_self()));
    show("delivered");
    check(kill(getpid(), SIGUSR2) == 0);
    show("sent to the process");
    join(spawn(inherit, NULL));
    unblock(SIGUSR2);
    check(handled == 2 && pthread_equal(by_thread, pthread_self()));
    show("delivered too");
    sigset_t all;
    sigfillset(&all);
    must(pthread_sigmask(SIG_SETMASK, &all, NULL));
    must(pthread_sigmask(SIG_SETMASK, NULL, &all));
    say("KILL %d STOP %d SEGV %d", sigismember(&all, SIGKILL), sigismember(&all, SIGSTOP), sigismember(&all, SIGSEGV));
    say("bad how: %s", strerror(pthread_sigmask(99, &all, NULL)));
}
