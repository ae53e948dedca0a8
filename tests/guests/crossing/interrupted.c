/* A handler that stays, in a thread that computes or waits in a call. `interrupted computes|waits` */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int nothing[2];
static volatile unsigned steps;

static void handler(int number) {
    static const char text[] = "in the handler\n";
    char byte;
    (void)number;
    if (write(1, text, sizeof text - 1) < 0 || read(nothing[0], &byte, 1) == 1)
        _exit(3);
}

static void *work(void *kind) {
    char byte;
    while (steps < 20000000)
        steps++;
    if (!strcmp(kind, "waits"))
        return read(nothing[0], &byte, 1) == 1 ? kind : 0;
    for (;;)
        steps |= 1u << 31;
    return 0;
}

int main(int argc, char **argv) {
    pthread_t thread;
    if (argc < 2 || pipe(nothing) || signal(SIGUSR1, handler) == SIG_ERR)
        return 2;
    if (pthread_create(&thread, 0, work, argv[1]))
        return 2;
    while (steps < 20000000)
        usleep(1000);
    usleep(100000);
    pthread_kill(thread, SIGUSR1);
    pthread_join(thread, 0);
    return 0;
}
