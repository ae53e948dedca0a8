/* Handlers of faults, with what they are told, and going on behind them. `faults [death]`: without a handler. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, ROUNDS = 20 };

static char *closed;
static volatile int seen_number, seen_code, seen, fatal;
static char *volatile seen_address;

/* Lets the instruction be made again. */
static void handler(int number, siginfo_t *info, void *context) {
    (void)context;
    seen_number = number;
    seen_code = info->si_code;
    seen_address = info->si_addr;
    seen++;
    char *page = (char *)((unsigned long)info->si_addr & -PAGE);
    if (info->si_code == SEGV_MAPERR)
        mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    else
        mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}

/* Time and points to go elsewhere. */
__attribute__((noinline)) static unsigned travel(unsigned seed) {
    for (int i = 0; i < 4000000; i++)
        seed = seed * 1664525 + 1013904223;
    return seed;
}

static int was(int before, int number, int code, char *address) {
    return seen == before + 1 && seen_number == number && seen_code == code && seen_address == address;
}

__attribute__((noinline)) static void put(volatile char *at, char value) {
    *at = value;
}

__attribute__((noinline)) static char get(volatile char *at) {
    return *at;
}

static void *work(void *argument) {
    int none = 0, readonly = 0, unmapped = 0;
    volatile unsigned sum = 0;
    for (int i = 0; i < ROUNDS; i++) {
        char *at = closed + 3 * PAGE * i;
        sum += travel((unsigned)i);
        int before = seen;
        put(at + 8, 'a');
        none += was(before, SIGSEGV, SEGV_ACCERR, at + 8) && get(at + 8) == 'a';
        before = seen;
        put(at + PAGE + 16, 'b');
        readonly += was(before, SIGSEGV, SEGV_ACCERR, at + PAGE + 16) && get(at + PAGE + 16) == 'b';
        before = seen;
        unmapped += get(at + 2 * PAGE + 24) == 0 && was(before, SIGSEGV, SEGV_MAPERR, at + 2 * PAGE + 24);
    }
    printf("%d %d %d of %d\n", none, readonly, unmapped, ROUNDS);
    fflush(stdout);
    while (argument && !fatal)
        sched_yield();
    if (argument)
        put(closed + 3 * PAGE * ROUNDS, 'c');
    return 0;
}

int main(int argc, char **argv) {
    struct sigaction action;
    pthread_t thread;
    (void)argv;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    closed = mmap(0, 3 * PAGE * (ROUNDS + 1), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (closed == MAP_FAILED || sigaction(SIGSEGV, &action, 0))
        return 2;
    for (int i = 0; i < ROUNDS; i++) {
        mprotect(closed + 3 * PAGE * i + PAGE, PAGE, PROT_READ);
        munmap(closed + 3 * PAGE * i + 2 * PAGE, PAGE);
    }
    if (pthread_create(&thread, 0, work, argc > 1 ? &action : 0))
        return 2;
    if (argc > 1) {
        /* The last one is met without a handler. */
        while (seen < 3 * ROUNDS)
            usleep(1000);
        signal(SIGSEGV, SIG_DFL);
        fatal = 1;
    }
    pthread_join(thread, 0);
    return 0;
}
