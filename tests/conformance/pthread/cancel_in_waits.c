/* Cancellation of threads that wait for time, for a signal, for a child process, for a message.
 * calls: rt_sigprocmask msgget msgctl msgsnd
 * recalls: fork */
#include "cancel.h"
#include <sys/ipc.h>
#include <sys/msg.h>

static int queue;
static pid_t child;

struct message {
    long type;
    char text[1024];
};

static void in_nanosleep(void) {
    struct timespec time = {1000, 0};
    nanosleep(&time, NULL);
}

static void in_clock_nanosleep(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += 1000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static void in_usleep(void) { usleep(100000000); }

static void in_pause(void) { pause(); }

static void in_sigsuspend(void) {
    sigset_t none;
    sigemptyset(&none);
    sigsuspend(&none);
}

static void in_sigwait(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    int number;
    sigwait(&set, &number);
}

static void in_sigtimedwait(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    struct timespec time = {1000, 0};
    sigtimedwait(&set, NULL, &time);
}

static void in_waitpid(void) { waitpid(child, NULL, 0); }

static void in_waitid(void) {
    siginfo_t info;
    waitid(P_PID, (id_t)child, &info, WEXITED);
}

static void in_msgrcv(void) {
    struct message message;
    msgrcv(queue, &message, sizeof message.text, 99, 0);
}

static void in_msgsnd(void) {
    struct message message = {.type = 1};
    msgsnd(queue, &message, sizeof message.text, 0);
}

BODY {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &set, NULL));
    queue = msgget(IPC_PRIVATE, 0600);
    check(queue >= 0);
    struct message message = {.type = 1};
    while (msgsnd(queue, &message, sizeof message.text, IPC_NOWAIT) == 0)
        ;
    check(errno == EAGAIN);
    child = fork();
    check(child >= 0);
    if (child == 0) {
        for (;;)
            pause();
    }

    cancel_in("nanosleep", in_nanosleep);
    cancel_in("clock_nanosleep", in_clock_nanosleep);
    cancel_in("usleep", in_usleep);
    cancel_in("pause", in_pause);
    cancel_in("sigsuspend", in_sigsuspend);
    cancel_in("sigwait", in_sigwait);
    cancel_in("sigtimedwait", in_sigtimedwait);
    cancel_in("waitpid", in_waitpid);
    cancel_in("waitid", in_waitid);
    cancel_in("msgrcv", in_msgrcv);
    cancel_in("msgsnd to a full queue", in_msgsnd);

    check(msgctl(queue, IPC_RMID, NULL) == 0);
    check(kill(child, SIGKILL) == 0);
    int status;
    check(waitpid(child, &status, 0) == child);
    say("child: signal %d", WTERMSIG(status));
}
