/* main returns while child threads compute and wait: the process ends with its status, its handlers see what the
 * threads wrote, stdio is flushed.
 * home: the main thread returns */
#define BODY_AT_HOME
#include "../conform.h"

enum { THREADS = 4 };

static pthread_barrier_t ready;
static int written[THREADS][PAGE / sizeof(int)];

static void at_end(void) {
    int sum = 0;
    for (int i = 0; i < THREADS; i++)
        sum += written[i][i];
    printf("threads wrote %d\n", sum);
}

static void *compute(void *arg) {
    intptr_t me = (intptr_t)arg;
    written[me][me] = 1 << me;
    pthread_barrier_wait(&ready);
    if (me == 0)
        pause();
    for (volatile uint64_t i = 0;; i++)
        ;
    return arg;
}

BODY {
    setvbuf(stdout, NULL, _IOFBF, 4096);
    check(atexit(at_end) == 0);
    must(pthread_barrier_init(&ready, NULL, THREADS + 1));
    for (intptr_t i = 0; i < THREADS; i++)
        spawn(compute, (void *)i);
    pthread_barrier_wait(&ready);
    printf("main returns\n");
}
