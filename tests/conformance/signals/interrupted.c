/* Calls that a handler interrupts with EINTR: without SA_RESTART all, with it those that never restart; the rest of a
 * sleep is told; data that arrived is not lost.
 * calls: pipe read poll nanosleep accept wait4 msgrcv
 * recalls: signal fork */
#include "signals.h"
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/socket.h>

static atomic_int handled, ready;
static int ends[2], listening, epoll, queue;
static pid_t child;
static sem_t sem;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    atomic_fetch_add(&handled, 1);
}

static long in_read(void) {
    char c;
    return read(ends[0], &c, 1);
}
static long in_accept(void) { return accept(listening, NULL, NULL); }
static long in_waitpid(void) { return waitpid(child, NULL, 0); }
static long in_poll(void) {
    struct pollfd fd = {.fd = ends[0], .events = POLLIN};
    return poll(&fd, 1, 100000);
}
static long in_select(void) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    return select(ends[0] + 1, &set, NULL, NULL, NULL);
}
static long in_epoll_wait(void) {
    struct epoll_event event;
    return epoll_wait(epoll, &event, 1, -1);
}
static long in_nanosleep(void) {
    struct timespec time = {1000, 0}, rest = {0, 0};
    int result = nanosleep(&time, &rest);
    int error = errno;
    check(rest.tv_sec < 1000 && rest.tv_sec > 900);
    errno = error;
    return result;
}
static long in_clock_nanosleep(void) {
    struct timespec time = {1000, 0}, rest = {0, 0};
    int error = clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &rest);
    check(rest.tv_sec < 1000 && rest.tv_sec > 900);
    errno = error;
    return error ? -1 : 0;
}
static long in_msgrcv(void) {
    char message[64];
    return msgrcv(queue, message, 16, 0, 0);
}
static long in_sem_wait(void) { return sem_wait(&sem); }
static long in_pause(void) { return pause(); }
static long in_sigtimedwait(void) {
    sigset_t set = set_of(SIGUSR2);
    struct timespec time = {1000, 0};
    return syscall(SYS_rt_sigtimedwait, &set, NULL, &time, 8);
}

static struct {
    const char *name;
    long (*call)(void);
    bool restarts;
} cases[] = {{"read", in_read, true},
             {"accept", in_accept, true},
             {"waitpid", in_waitpid, true},
             {"poll", in_poll, false},
             {"select", in_select, false},
             {"epoll_wait", in_epoll_wait, false},
             {"nanosleep", in_nanosleep, false},
             {"clock_nanosleep", in_clock_nanosleep, false},
             {"msgrcv", in_msgrcv, false},
             {"pause", in_pause, false},
             {"sigtimedwait", in_sigtimedwait, false},
             {"sem_wait", in_sem_wait, true}};
enum { CASES = sizeof cases / sizeof *cases };

static void *run(void *arg) {
    int i = (int)(long)arg;
    atomic_store(&ready, 1);
    errno = 0;
    long result = cases[i].call();
    int error = errno;
    check(result == -1);
    return (void *)(long)error;
}

static void interrupt(const char *how, bool with_restart) {
    for (long i = 0; i < CASES; i++) {
        if (with_restart && cases[i].restarts)
            continue;
        atomic_store(&ready, 0);
        atomic_store(&handled, 0);
        pthread_t thread = spawn(run, (void *)i);
        spin_until(&ready, 1);
        sleep_ms(15);
        must(pthread_kill(thread, SIGUSR1));
        say("%s %s: %s", how, cases[i].name, strerror((int)(long)join(thread)));
        check(atomic_load(&handled) == 1);
    }
}

BODY {
    check(pipe(ends) == 0 && sem_init(&sem, 0, 0) == 0);
    listening = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr address = {.sa_family = AF_UNIX};
    check(bind(listening, &address, sizeof(sa_family_t)) == 0 && listen(listening, 3) == 0);
    epoll = epoll_create1(0);
    queue = msgget(IPC_PRIVATE, 0600);
    check(epoll >= 0 && queue >= 0);
    child = fork();
    check(child >= 0);
    if (child == 0)
        for (;;)
            pause();
    /* musl retries sem_wait until a handler without SA_RESTART is installed. */
    handle(SIGUSR1, on_signal, SA_RESTART);
    interrupt("SA_RESTART", true);
    handle(SIGUSR1, on_signal, 0);
    interrupt("plain", false);
    check(msgctl(queue, IPC_RMID, NULL) == 0);
    check(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
}
