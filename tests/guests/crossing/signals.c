/* Signals to a thread: in which order they come, with what they carry, and what calls make of them. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 64, ROUNDS = 10, MOST_SENT = 4, RESEND_S = 4 };

static volatile int count;
static int order[MOST];
static volatile int stage;
static volatile int sent;
static int nothing[2];

static void note(int number, siginfo_t *info, void *context) {
    (void)context;
    if (count < MOST)
        order[count++] = (number - SIGRTMIN) * 100 + info->si_value.sival_int;
}

static void come(int number) {
    (void)number;
    count++;
}

/* Time and points to go elsewhere. */
__attribute__((noinline)) static unsigned travel(unsigned seed) {
    for (int i = 0; i < 4000000; i++)
        seed = seed * 1664525 + 1013904223;
    return seed;
}

static void await_stage(int wanted) {
    while (stage != wanted)
        usleep(200);
}

static void *work(void *argument) {
    int lined_up = 0, interrupted = 0, restarted = 0, taken = 0, suspended = 0;
    volatile unsigned sum = 0;
    sigset_t all, none, real;
    (void)argument;
    sigemptyset(&none);
    sigemptyset(&all);
    for (int i = 0; i < 4; i++)
        sigaddset(&all, SIGRTMIN + i);
    real = all;
    for (int round = 0; round < ROUNDS; round++) {
        sum += travel((unsigned)round);
        /* They wait together and come by number, those of one number as they were sent. */
        pthread_sigmask(SIG_BLOCK, &all, 0);
        count = 0;
        stage = 1;
        await_stage(2);
        pthread_sigmask(SIG_UNBLOCK, &all, 0);
        int right = count == 8;
        for (int i = 0; i < 8; i++)
            right &= order[i] == i / 2 * 100 + i % 2;
        lined_up += right;
        /* Without SA_RESTART a call ends, and says what was left of it. */
        struct timespec limit = {30, 0}, left = {0, 0};
        count = 0;
        time_t begin = time(0);
        stage = 3;
        int ended = nanosleep(&limit, &left) == -1 && errno == EINTR && count > 0;
        /* Both round down. The kernel counts a timer's slack (50 us) as left, so that it may be a bit more than the limit. */
        int rest = left.tv_sec <= limit.tv_sec && left.tv_sec + (time(0) - begin) >= limit.tv_sec - 2;
        stage = 30;
        await_stage(31);
        interrupted += ended && rest && sent > 0 && count == sent;
        /* With it, it goes on. */
        char byte = 0;
        count = 0;
        stage = 4;
        restarted += read(nothing[0], &byte, 1) == 1 && byte == 'r' && count == 3;
        /* Taken by a call, it runs no handler. */
        siginfo_t info;
        count = 0;
        pthread_sigmask(SIG_BLOCK, &real, 0);
        stage = 5;
        int number = sigwaitinfo(&real, &info);
        taken += number == SIGRTMIN + 1 && info.si_value.sival_int == 77 && count == 0;
        /* The handler sees the mask of the call, and what comes after it the old one. */
        stage = 6;
        int result = sigsuspend(&none);
        sigset_t now;
        int error = errno;
        pthread_sigmask(SIG_BLOCK, 0, &now);
        suspended += result == -1 && error == EINTR && count == 1 && sigismember(&now, SIGRTMIN);
        pthread_sigmask(SIG_UNBLOCK, &real, 0);
    }
    printf("%d lined up, %d interrupted, %d restarted, %d taken, %d suspended of %d\n", lined_up, interrupted, restarted,
           taken, suspended, ROUNDS);
    stage = 9;
    return 0;
}

/* As pthread_sigqueue of other C libraries. */
static int queue(pid_t thread, int number, int value) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = number;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = value;
    return (int)syscall(SYS_rt_tgsigqueueinfo, getpid(), thread, number, &info);
}

static volatile pid_t worker;

static void *named(void *argument) {
    worker = (pid_t)syscall(SYS_gettid);
    return work(argument);
}

int main(void) {
    struct sigaction action;
    pthread_t thread;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = note;
    action.sa_flags = SA_SIGINFO;
    for (int i = 0; i < 4; i++)
        sigaddset(&action.sa_mask, SIGRTMIN + i);
    for (int i = 0; i < 4; i++)
        sigaction(SIGRTMIN + i, &action, 0);
    memset(&action, 0, sizeof action);
    action.sa_handler = come;
    sigaction(SIGUSR1, &action, 0);
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR2, &action, 0);
    if (pipe(nothing) || pthread_create(&thread, 0, named, 0))
        return 2;
    for (;;) {
        int now = stage;
        switch (now) {
        case 1:
            for (int i = 3; i >= 0; i--)
                if (queue(worker, SIGRTMIN + i, 0) || queue(worker, SIGRTMIN + i, 1))
                    return 3;
            stage = 2;
            break;
        case 3:
            usleep(5000);
            /* One that comes before the sleep begins does not end it. */
            for (sent = 0; stage == 3 && sent < MOST_SENT;) {
                sent++;
                pthread_kill(thread, SIGUSR1);
                /* Two at a time would be one. */
                while (count < sent)
                    usleep(200);
                time_t until = time(0) + RESEND_S;
                while (stage == 3 && time(0) < until)
                    usleep(1000);
            }
            while (stage != 30)
                usleep(200);
            stage = 31;
            break;
        case 4:
            stage = 0;
            /* Two at a time would be one. */
            for (int i = 0; i < 3; i++) {
                usleep(3000);
                pthread_kill(thread, SIGUSR2);
                while (count <= i)
                    usleep(200);
            }
            if (write(nothing[1], "r", 1) != 1)
                return 3;
            break;
        case 5:
            stage = 0;
            usleep(3000);
            if (queue(worker, SIGRTMIN + 1, 77))
                return 3;
            break;
        case 6:
            stage = 0;
            usleep(3000);
            if (queue(worker, SIGRTMIN, 5))
                return 3;
            break;
        case 9:
            pthread_join(thread, 0);
            return 0;
        default:
            usleep(200);
        }
    }
}
