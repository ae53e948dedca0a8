/* pthread_cancel of threads that compute, wait in calls, or are about to. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int nothing[2];
static volatile int ready, cleaned;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

/* Time and points to go elsewhere. */
__attribute__((noinline)) static unsigned travel(unsigned seed) {
    for (int i = 0; i < 4000000; i++)
        seed = seed * 1664525 + 1013904223;
    return seed;
}

static void clean(void *argument) {
    (void)argument;
    cleaned++;
}

static void unlock(void *argument) {
    pthread_mutex_unlock(argument);
    cleaned++;
}

static void *reads(void *argument) {
    char byte;
    pthread_cleanup_push(clean, argument);
    ready = (int)travel(1) | 1;
    while (read(nothing[0], &byte, 1) < 0)
        ;
    pthread_cleanup_pop(0);
    return 0;
}

static void *sleeps(void *argument) {
    pthread_cleanup_push(clean, argument);
    ready = (int)travel(2) | 1;
    for (;;)
        sleep(100);
    pthread_cleanup_pop(0);
    return 0;
}

static void *waits(void *argument) {
    travel(3);
    pthread_mutex_lock(&lock);
    pthread_cleanup_push(unlock, &lock);
    ready = 1;
    for (;;)
        pthread_cond_wait(&never, &lock);
    pthread_cleanup_pop(0);
    return argument;
}

static void *tests(void *argument) {
    volatile unsigned steps = 0;
    pthread_cleanup_push(clean, argument);
    ready = (int)travel(4) | 1;
    for (;;) {
        if (++steps % 1024 == 0)
            pthread_testcancel();
    }
    pthread_cleanup_pop(0);
    return 0;
}

static void *at_any_time(void *argument) {
    volatile unsigned steps = 0;
    pthread_cleanup_push(clean, argument);
    travel(5);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, 0);
    ready = 1;
    for (;;)
        steps++;
    pthread_cleanup_pop(0);
    return 0;
}

/* What it has done before counts: it is cancelled in the call behind that. */
static void *finishes(void *argument) {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, 0);
    ready = 1;
    char byte = 0;
    int got = (int)read(nothing[0], &byte, 1);
    pthread_cleanup_push(clean, argument);
    if (got == 1 && byte == 'x')
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, 0);
    for (;;)
        sleep(100);
    pthread_cleanup_pop(0);
    return 0;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void *(*run)(void *);
    } kinds[] = {{"reads", reads}, {"sleeps", sleeps},           {"waits", waits},
                 {"tests", tests}, {"at any time", at_any_time}, {"finishes", finishes}};
    int rounds = argc > 1 ? atoi(argv[1]) : 4;
    if (pipe(nothing))
        return 2;
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        int right = 0;
        for (int round = 0; round < rounds; round++) {
            pthread_t thread;
            void *result = 0;
            ready = cleaned = 0;
            if (pthread_create(&thread, 0, kinds[kind].run, 0))
                return 2;
            while (!ready)
                usleep(500);
            /* Into the call, or before it. */
            usleep(round % 2 ? 20000 : 0);
            pthread_cancel(thread);
            if (kinds[kind].run == finishes) {
                usleep(10000);
                if (write(nothing[1], "x", 1) != 1)
                    return 2;
            }
            pthread_join(thread, &result);
            right += result == PTHREAD_CANCELED && cleaned == 1;
        }
        printf("%s: %d of %d cancelled\n", kinds[kind].name, right, rounds);
    }
    return 0;
}
