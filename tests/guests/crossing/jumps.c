/* Handlers that jump (siglongjmp) to frames of their thread, which computes or waits in a call there.
 * `jumps [ROUNDS]` */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* As in docs/continuations.md, "Jumps". */
#define RTX_JUMP 0x52545803L

static sigjmp_buf place;
/* The round in which a jump has somewhere to go, from 1; 0: none. */
static volatile sig_atomic_t armed;
static volatile int over;
static int nothing[2];

static void handler(int number) {
    if (!armed)
        return;
    armed = 0;
    /* What longjmp does if another instruction set wrote `place`. It returns if that is this one's. */
    syscall(RTX_JUMP, (long)longjmp, (long)place, (long)number);
    siglongjmp(place, number);
}

static int is_open(int number) {
    sigset_t mask;
    return !pthread_sigmask(SIG_BLOCK, 0, &mask) && !sigismember(&mask, number);
}

/* Whether a jump comes back here as it must. */
__attribute__((noinline)) static int computes(int round) {
    volatile long steps = round;
    int number = sigsetjmp(place, 1);
    if (!number) {
        armed = round + 1;
        for (;;)
            steps++;
    }
    return number == SIGUSR1 && is_open(SIGUSR1) && steps >= round;
}

__attribute__((noinline)) static int waits(int round) {
    volatile int calls = round;
    int number = sigsetjmp(place, 1);
    if (!number) {
        armed = round + 1;
        for (;;) {
            char byte;
            calls += read(nothing[0], &byte, 1) == 1;
        }
    }
    return number == SIGUSR1 && is_open(SIGUSR1) && calls == round;
}

/* Time and points to go elsewhere. */
__attribute__((noinline)) static unsigned travel(unsigned seed) {
    for (int i = 0; i < 2000000; i++)
        seed = seed * 1664525 + 1013904223;
    return seed;
}

static void *work(void *rounds) {
    long right = 0;
    volatile unsigned sum = 0;
    for (long i = 0; i < (long)rounds; i++) {
        sum += travel((unsigned)i);
        right += i % 2 ? waits((int)i) : computes((int)i);
    }
    over = 1;
    return (void *)right;
}

int main(int argc, char **argv) {
    long rounds = argc > 1 ? atol(argv[1]) : 40;
    struct sigaction action = {.sa_handler = handler};
    pthread_t worker;
    void *right;
    if (pipe(nothing) || sigaction(SIGUSR1, &action, 0) || pthread_create(&worker, 0, work, (void *)rounds))
        return 2;
    for (int last = 0; !over;) {
        int round = armed;
        if (!round || round == last) {
            usleep(100);
            continue;
        }
        last = round;
        /* Into a call, or before it. */
        if (round % 4 > 1)
            usleep(3000);
        pthread_kill(worker, SIGUSR1);
    }
    pthread_join(worker, &right);
    printf("%ld of %ld jumps came back right\n", (long)right, rounds);
    return (long)right != rounds;
}
