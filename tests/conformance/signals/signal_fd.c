/* signalfd: reads what is blocked and pending, by read and by poll, several at once, with sender and value.
 * calls: signalfd4 read poll */
#include "signals.h"
#include <poll.h>
#include <sys/signalfd.h>

static pid_t reader;

static void send_value(int number, int value) {
    siginfo_t info = {.si_signo = number, .si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_value.sival_int = value;
    check(syscall(SYS_rt_tgsigqueueinfo, getpid(), reader, number, &info) == 0);
}

static void *send_later(void *arg) {
    sleep_ms(30);
    send_value(SIGRTMIN, 9);
    return arg;
}

static void show(const char *name, int fd) {
    struct signalfd_siginfo infos[4];
    ssize_t n = read(fd, infos, sizeof infos);
    if (n < 0) {
        say("%s: %s", name, strerror(errno));
        return;
    }
    check(n % (ssize_t)sizeof infos[0] == 0);
    for (int i = 0; i < (int)(n / (ssize_t)sizeof infos[0]); i++) {
        check(infos[i].ssi_pid == (uint32_t)getpid());
        say("%s %d: signal %u, code %d, value %d", name, i, infos[i].ssi_signo, infos[i].ssi_code, infos[i].ssi_int);
    }
}

BODY {
    reader = gettid();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    must(pthread_sigmask(SIG_BLOCK, &set, NULL));
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    check(fd >= 0);
    show("empty", fd);
    must(pthread_kill(pthread_self(), SIGUSR1));
    send_value(SIGRTMIN, 7);
    send_value(SIGRTMIN, 8);
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    check(poll(&polled, 1, 0) == 1 && polled.revents == POLLIN);
    show("pending", fd);
    check(poll(&polled, 1, 0) == 0);

    check(fcntl(fd, F_SETFL, 0) == 0);
    pthread_t sender = spawn(send_later, NULL);
    show("blocking", fd);
    join(sender);

    sigdelset(&set, SIGRTMIN);
    check(signalfd(fd, &set, 0) == fd);
    send_value(SIGRTMIN, 1);
    check(poll(&polled, 1, 0) == 0);
    say("no longer in the set");
    close(fd);
}
