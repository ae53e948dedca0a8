/* Threads that create threads, six deep: results travel up, whoever created them.
 * calls: futex mmap */
#include "../conform.h"

enum { DEPTH = 6 };

static atomic_int leaves;

static void *grow(void *arg) {
    long depth = (long)arg;
    if (depth == 0) {
        atomic_fetch_add(&leaves, 1);
        return (void *)1;
    }
    pthread_t left = spawn(grow, (void *)(depth - 1));
    pthread_t right = spawn(grow, (void *)(depth - 1));
    long sum = (long)join(left);
    return (void *)(sum + (long)join(right) + 1);
}

/* A thread is joined by another than its creator. */
static void *join_it(void *arg) { return join(*(pthread_t *)arg); }

BODY {
    long nodes = (long)grow((void *)DEPTH);
    say("nodes %ld, leaves %d", nodes, leaves);
    pthread_t thread = spawn(grow, (void *)2);
    say("joined by another: %ld", (long)join(spawn(join_it, &thread)));
}
