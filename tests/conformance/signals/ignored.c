/* Ignored signals do not interrupt anything, and pending ones vanish when they become ignored; neither do those whose
 * default is to be ignored.
 * calls: rt_sigaction nanosleep poll epoll_pwait recvfrom */
#include "signals.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/time.h>

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
    int epoll = epoll_create1(0), pair[2], set_id = semget(IPC_PRIVATE, 1, 0600);
    check(epoll >= 0 && set_id >= 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    struct epoll_event event;
    check(epoll_wait(epoll, &event, 1, 30) == 0);
    say("waited for events");
    struct timeval patience = {0, 30000};
    check(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    char byte;
    check(recv(pair[0], &byte, 1, 0) == -1 && errno == EAGAIN);
    check(read(pair[0], &byte, 1) == -1 && errno == EAGAIN);
    say("waited for a message");
    struct sembuf take = {.sem_op = -1};
    check(semtimedop(set_id, &take, 1, &limit) == -1 && errno == EAGAIN);
    check(semctl(set_id, 0, IPC_RMID) == 0);
    say("waited for a semaphore");
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
