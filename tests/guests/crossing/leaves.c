/* The program begins something in which boards cannot follow, while a thread is on one. `leaves computes|ends|handles` */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int nothing[2], go[2];
static volatile int ready, stop;
static volatile unsigned steps;
static jmp_buf place;

/* Time and points to go elsewhere. */
__attribute__((noinline)) static unsigned travel(unsigned seed) {
    for (int i = 0; i < 8000000; i++)
        seed = seed * 1664525 + 1013904223;
    return seed;
}

/* It cannot leave its board from here, and ends there. */
__attribute__((noinline)) static void hold(void) {
    char byte;
    if (setjmp(place))
        return;
    ready = 1;
    if (read(nothing[0], &byte, 1) == 1)
        pthread_exit(&ready);
}

static void handler(int number) {
    char byte;
    (void)number;
    ready = 1;
    if (read(nothing[0], &byte, 1) != 1)
        _exit(4);
}

static void *work(void *kind) {
    volatile unsigned sum = travel(1);
    if (!strcmp(kind, "ends"))
        hold();
    if (!strcmp(kind, "computes"))
        ready = 1;
    while (!stop)
        steps++;
    (void)sum;
    return &ready;
}

int main(int argc, char **argv) {
    pthread_t thread;
    void *result = 0;
    char byte, word[8];
    if (argc < 2 || pipe(nothing) || pipe(go))
        return 2;
    /* Somebody else goes on meanwhile. */
    pid_t child = fork();
    if (child == 0) {
        if (read(go[0], &byte, 1) != 1)
            _exit(3);
        usleep(300000);
        _exit(write(nothing[1], "x", 1) != 1);
    }
    signal(SIGUSR1, handler);
    if (child < 0 || pthread_create(&thread, 0, work, argv[1]))
        return 2;
    if (!strcmp(argv[1], "handles")) {
        while (steps < 1000)
            usleep(200);
        pthread_kill(thread, SIGUSR1);
    }
    while (!ready)
        usleep(200);
    if (write(go[1], "g", 1) != 1)
        return 3;
    int memory = open("/proc/self/mem", O_RDONLY);
    ssize_t got = pread(memory, word, sizeof word, (off_t)(unsigned long)&thread);
    close(memory);
    unsigned before = steps;
    while (strcmp(argv[1], "ends") && steps == before)
        sched_yield();
    stop = 1;
    pthread_join(thread, &result);
    int status = 1;
    waitpid(child, &status, 0);
    printf("read %zd, %s, %d\n", got, result == &ready ? "joined" : "lost", status);
    return 0;
}
