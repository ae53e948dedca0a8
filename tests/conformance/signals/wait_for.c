/* sigwait, sigwaitinfo and sigtimedwait: pending and later signals, values, timeouts, polls.
 * calls: rt_sigtimedwait rt_tgsigqueueinfo */
#include "signals.h"

static struct timespec zero, short_time = {0, 30000000}, long_time = {30, 0};

static pid_t waiter;

/* To the thread, not to the process: the main thread does not block it. */
static void send_value(int number, int value) {
    siginfo_t info = {.si_signo = number, .si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_value.sival_int = value;
    check(syscall(SYS_rt_tgsigqueueinfo, getpid(), waiter, number, &info) == 0);
}

static void *send_later(void *arg) {
    for (int i = 0; i < 3; i++) {
        sleep_ms(20);
        send_value(SIGRTMIN, 6 + i);
    }
    return arg;
}

BODY {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigaddset(&set, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &set, NULL));
    waiter = gettid();
    siginfo_t info;
    check(sigtimedwait(&set, &info, &zero) == -1);
    say("poll: %s", strerror(errno));
    double before = seconds_now();
    check(sigtimedwait(&set, &info, &short_time) == -1);
    say("short wait: %s", strerror(errno));
    check(seconds_now() - before >= 0.03);

    must(pthread_kill(pthread_self(), SIGUSR1));
    int number;
    must(sigwait(&set, &number));
    check(number == SIGUSR1);
    must(pthread_kill(pthread_self(), SIGUSR1));
    check(sigtimedwait(&set, &info, &zero) == SIGUSR1);
    check(info.si_code == SI_TKILL && info.si_pid == getpid());
    say("pending ones taken");

    send_value(SIGRTMIN, 5);
    check(sigwaitinfo(&set, &info) == SIGRTMIN && info.si_code == SI_QUEUE);
    say("value %d", info.si_value.sival_int);
    pthread_t sender = spawn(send_later, NULL);
    check(sigtimedwait(&set, &info, &long_time) == SIGRTMIN);
    say("value %d", info.si_value.sival_int);
    check(sigwaitinfo(&set, &info) == SIGRTMIN);
    say("value %d", info.si_value.sival_int);
    must(sigwait(&set, &number));
    check(number == SIGRTMIN);
    join(sender);
    check(sigtimedwait(&set, &info, &zero) == -1);
    say("nothing left: %s", strerror(errno));
}
