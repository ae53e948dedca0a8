/* Handlers that make calls which natively need all of their thread: fork, clocks of CPU time, new threads. The thread that
 * they interrupt computes or waits in a call. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 10 };

static int nothing[2];
static volatile int handled, right;
static volatile unsigned steps;
static struct timespec last;

static void *nod(void *argument) {
    return argument;
}

static void handler(int number) {
    struct timespec now;
    pthread_t thread;
    void *result = 0;
    int status = 0, good = 1;
    good &= !clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    good &= now.tv_sec > last.tv_sec || (now.tv_sec == last.tv_sec && now.tv_nsec >= last.tv_nsec);
    last = now;
    pid_t child = fork();
    if (child == 0)
        _exit(number);
    good &= waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == number;
    good &= !pthread_create(&thread, 0, nod, (void *)&last) && !pthread_join(thread, &result) && result == (void *)&last;
    right += good;
    handled++;
}

static void *computes(void *argument) {
    while (handled < ROUNDS)
        steps++;
    return argument;
}

static void *waits(void *argument) {
    char byte = 0;
    while (steps < 4000000)
        steps++;
    return read(nothing[0], &byte, 1) == 1 && byte == 'x' ? argument : 0;
}

static int signal_all(void *(*run)(void *)) {
    pthread_t thread;
    void *result = 0;
    handled = right = 0;
    steps = 0;
    if (pthread_create(&thread, 0, run, &steps))
        return -1;
    for (int i = 0; i < ROUNDS; i++) {
        unsigned before = steps;
        for (int looks = 0; looks < 20 && (i == 0 ? steps < 4000000 : steps == before); looks += i > 0)
            usleep(500);
        pthread_kill(thread, SIGUSR1);
        while (handled <= i)
            usleep(500);
    }
    if (run == waits && write(nothing[1], "x", 1) != 1)
        return -1;
    pthread_join(thread, &result);
    return result == &steps ? right : -1;
}

int main(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    if (pipe(nothing) || sigaction(SIGUSR1, &action, 0))
        return 2;
    printf("%d of %d while it computed\n", signal_all(computes), ROUNDS);
    printf("%d of %d while it waited\n", signal_all(waits), ROUNDS);
    return 0;
}
