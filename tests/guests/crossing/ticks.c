/* A thread that computes, or reads the process's CPU time, while a timer's signals all come to it. `ticks TICKS [clock]` */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int ticks;
static int enough, clocks;
static volatile int wrong;

static void tick(int number) {
    unsigned char local[512];
    memset(local, number, sizeof local);
    for (size_t i = 0; i < sizeof local; i++)
        wrong += local[i] != (unsigned char)number;
    ticks++;
}

__attribute__((noinline)) static unsigned step(unsigned sum) {
    volatile unsigned local[16];
    for (unsigned i = 0; i < 16; i++)
        local[i] = sum + i;
    for (unsigned i = 0; i < 16; i++)
        wrong += local[i] != sum + i;
    return sum + 16;
}

static void *work(void *argument) {
    sigset_t mask;
    unsigned sum = 0;
    struct timespec last = {0, 0};
    (void)argument;
    sigemptyset(&mask);
    sigaddset(&mask, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &mask, 0);
    /* It gets on, and not only its handler does. */
    for (unsigned rounds = 0; ticks < enough || rounds < 20000; rounds++) {
        sum = step(sum);
        if (clocks && rounds % 64 == 0) {
            struct timespec now;
            if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now))
                wrong++;
            if (now.tv_sec < last.tv_sec || (now.tv_sec == last.tv_sec && now.tv_nsec < last.tv_nsec))
                wrong++;
            last = now;
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    struct itimerval often = {{0, 500}, {0, 500}};
    struct sigaction action;
    sigset_t mask;
    pthread_t thread;
    enough = argc > 1 ? atoi(argv[1]) : 200;
    clocks = argc > 2;
    memset(&action, 0, sizeof action);
    action.sa_handler = tick;
    action.sa_flags = SA_RESTART;
    sigemptyset(&mask);
    sigaddset(&mask, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &mask, 0);
    if (sigaction(SIGALRM, &action, 0) || setitimer(ITIMER_REAL, &often, 0) || pthread_create(&thread, 0, work, 0))
        return 2;
    pthread_join(thread, 0);
    memset(&often, 0, sizeof often);
    setitimer(ITIMER_REAL, &often, 0);
    printf("%d wrong\n", wrong);
    return 0;
}
