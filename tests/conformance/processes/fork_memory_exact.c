/* A forked child has exactly the memory of that moment, wherever its pages were: written by threads that run apart, by
 * the main thread, by all of them, read by all, or never touched. What it writes stays its own.
 * calls: fork wait4 */
#include "children.h"

enum { THREADS = 3, PAGES = 96, ROUNDS = 4, WORDS = PAGE / sizeof(uint64_t) };

typedef uint64_t page[WORDS];
static page own[THREADS][PAGES], mixed[PAGES], untouched[PAGES];
static page constant[4] = {{1, 2, 3}};
static pthread_barrier_t barrier;

static uint64_t value(int thread, int at, int word, int round) {
    return (uint64_t)(thread + 1) << 48 | (uint64_t)round << 32 | (uint64_t)(at << 16 | word);
}

static void verify(int round) {
    for (int p = 0; p < PAGES; p++)
        for (int w = 0; w < (int)WORDS; w++) {
            for (int t = 0; t < THREADS; t++)
                check(own[t][p][w] == value(t, p, w, round));
            check(mixed[p][w] == value(w % THREADS, p, w, round));
            check(untouched[p][w] == 0);
        }
    check(constant[0][0] == 1 && constant[0][2] == 3 && constant[3][5] == 0);
}

static void fork_and_verify(int round) {
    pid_t child = split();
    if (child == 0) {
        verify(round);
        memset(own, 0xff, sizeof own);
        memset(mixed, 0xff, sizeof mixed);
        memset(untouched, 0xff, sizeof untouched);
        _exit(round + 1);
    }
    check(end_of(child) == round + 1);
    verify(round);
}

static void *work(void *arg) {
    int me = (int)(intptr_t)arg;
    for (int round = 0; round < ROUNDS; round++) {
        for (int p = 0; p < PAGES; p++)
            for (int w = 0; w < (int)WORDS; w++) {
                own[me][p][w] = value(me, p, w, round);
                if (w % THREADS == me)
                    mixed[p][w] = value(me, p, w, round);
            }
        pthread_barrier_wait(&barrier);
        /* Another thread forks each time; the others stay where they are. */
        if (round % THREADS == me)
            fork_and_verify(round);
        pthread_barrier_wait(&barrier);
    }
    return arg;
}

BODY {
    must(pthread_barrier_init(&barrier, NULL, THREADS));
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = spawn(work, (void *)i);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    verify(ROUNDS - 1);
    say("%d children saw what they should", ROUNDS);
}
