/* The main thread forks while others, elsewhere, have written the memory and wait: the child has all of it, but zeros
 * where it was to be wiped.
 * home: the main thread forks */
#define BODY_AT_HOME
#include "children.h"

enum { THREADS = 3, PAGES = 32, FORKS = 5 };

static unsigned char pages[THREADS][PAGES * PAGE] __attribute__((aligned(4096)));
static unsigned char *wiped;
static pthread_barrier_t barrier;

static unsigned char value(int thread, size_t at, int round) {
    return (unsigned char)(at / 64 + (size_t)thread * 50 + (size_t)round * 7 + 1);
}

static void verify(int round, bool child) {
    for (int t = 0; t < THREADS; t++)
        for (size_t at = 0; at < sizeof pages[t]; at += 64) {
            check(pages[t][at] == value(t, at, round));
            check(wiped[at] == (child ? 0 : round + 1));
        }
}

static void *work(void *arg) {
    int me = (int)(intptr_t)arg;
    for (int round = 0; round < FORKS; round++) {
        for (size_t at = 0; at < sizeof pages[me]; at += 64) {
            pages[me][at] = value(me, at, round);
            if (me == 0)
                wiped[at] = (unsigned char)(round + 1);
        }
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
    }
    return arg;
}

BODY {
    wiped = mmap(NULL, sizeof pages[0], PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(wiped != MAP_FAILED && madvise(wiped, sizeof pages[0], MADV_WIPEONFORK) == 0);
    must(pthread_barrier_init(&barrier, NULL, THREADS + 1));
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = spawn(work, (void *)i);
    for (int round = 0; round < FORKS; round++) {
        pthread_barrier_wait(&barrier);
        pid_t child = split();
        if (child == 0) {
            verify(round, true);
            memset(pages, 0xff, sizeof pages);
            _exit(round + 1);
        }
        check(end_of(child) == round + 1);
        verify(round, false);
        pthread_barrier_wait(&barrier);
    }
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    say("%d children of the main thread", FORKS);
}
