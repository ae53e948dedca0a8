/* A program with musl, about which musl says nothing: threads and calls that wait, callbacks. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#include "snapshot.h"

int *volatile nowhere;
volatile int sink;

unsigned long entry_point(void)
{
    return getauxval(AT_ENTRY);
}

static int compare(const void *a, const void *b)
{
    *nowhere = 1; /* line 21 */
    return *(const int *)a - *(const int *)b;
}

__attribute__((noinline)) void sorts(int n)
{
    int numbers[64];
    for (int i = 0; i < 64; i++)
        numbers[i] = n - i;
    qsort(numbers, 64, sizeof *numbers, compare); /* line 30 */
    sink = numbers[n & 63];
}

__attribute__((noinline)) void waits(int n)
{
    struct timespec time = {n + 100, 0};
    nanosleep(&time, 0); /* line 37 */
    sink++;
}

static sigset_t alarms;

static void *worker(void *arg)
{
    pthread_sigmask(SIG_UNBLOCK, &alarms, 0);
    waits(3); /* line 46 */
    return arg;
}

__attribute__((noinline)) void joins(void)
{
    pthread_t thread;
    pthread_create(&thread, 0, worker, 0);
    pthread_join(thread, 0); /* line 54 */
    sink++;
}

__attribute__((noinline)) void gives_up(void)
{
    abort(); /* line 60 */
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_sigaction = (void (*)(int, siginfo_t *, void *))snapshot, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGABRT, &action, 0);
    sigaction(SIGALRM, &action, 0);
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    ualarm(100000, 0);
    switch (*argv[1]) {
    case 's': sorts(argc); break; /* line 73 */
    case 'w': waits(argc); break; /* line 74 */
    case 't':                     /* the worker gets the alarm */
        pthread_sigmask(SIG_BLOCK, &alarms, 0);
        joins();
        break;
    case 'j': joins(); break; /* line 79 */
    case 'a': gives_up(); break; /* line 80 */
    }
    return 1;
}
