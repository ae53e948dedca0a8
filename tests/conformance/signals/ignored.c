/* Ignored signals do not interrupt anything, and pending ones vanish when they become ignored; neither do those whose
 * default is to be ignored.
 * calls: rt_sigaction nanosleep poll */
#include "signals.h"
#include <poll.h>

static pthread_t target;
static atomic_int stop;

static void *disturb(void *arg) {
    while (!atomic_load(&stop)) {
        must(pthread_kill(target, SIGUSR1));
        must(pthread_kill(target, SIGWINCH));
        must(pthread_kill(target, SIGCHLD));
        must(pthread_kill(target, SIGCONT));
        sleep_ms(1);
    }
    return arg;
}

BODY {
    target = pthread_self();
    signal(SIGUSR1, SIG_IGN);
    pthread_t thread = spawn(disturb, NULL);
    struct timespec time = {0, 50000000}, limit = {0, 30000000};
    check(nanosleep(&time, NULL) == 0);
    say("slept");
    check(poll(NULL, 0, 50) == 0);
    say("polled");
    sigset_t set = set_of(SIGUSR2);
    check(syscall(SYS_rt_sigtimedwait, &set, NULL, &limit, 8) == -1 && errno == EAGAIN);
    say("waited");
    compute_ms(20);
    atomic_store(&stop, 1);
    join(thread);

    block(SIGUSR2);
    must(pthread_kill(pthread_self(), SIGUSR2));
    sigset_t pending;
    check(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR2) == 1);
    signal(SIGUSR2, SIG_IGN);
    check(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR2) == 0);
    signal(SIGUSR2, SIG_DFL);
    unblock(SIGUSR2);
    say("vanished");
}
