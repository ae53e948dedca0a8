/* Computes until its input ends: `rounds [THREADS]`. Writes `ready` when all threads run, `tick` once a second from
 * main, and at the end proves that no step of any thread was lost. */
#include "common.h"

#include <poll.h>
#include <unistd.h>

#define STEPS 100000
static size_t threads = 4;
static _Atomic bool done;
static struct {
    _Alignas(4096) uint64_t value, rounds;
} states[MAX_THREADS];
static pthread_barrier_t started;

static void *compute(void *arg) {
    size_t me = (size_t)arg;
    states[me].value = me;
    wait_at(&started);
    do {
        states[me].value = lcg_walk(states[me].value, STEPS);
        states[me].rounds++;
    } while (!done);
    return NULL;
}

static bool wait_for_end(void) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char byte;
    return poll(&input, 1, 1000) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

int main(int argc, char **argv) {
    if (argc > 1)
        threads = (size_t)atoi(argv[1]);
    must(pthread_barrier_init(&started, NULL, (unsigned)threads + 1), "pthread_barrier_init");
    pthread_t ids[MAX_THREADS];
    for (size_t i = 0; i < threads; i++)
        must(pthread_create(&ids[i], NULL, compute, (void *)i), "pthread_create");
    wait_at(&started);
    puts("ready");
    fflush(stdout);
    while (!wait_for_end()) {
        puts("tick");
        fflush(stdout);
    }
    done = true;
    for (size_t i = 0; i < threads; i++) {
        must(pthread_join(ids[i], NULL), "pthread_join");
        if (!states[i].rounds || states[i].value != lcg_jump(i, states[i].rounds * STEPS))
            die("thread %zu lost its place after %" PRIu64 " rounds", i, states[i].rounds);
    }
    puts("every step counted");
    return 0;
}
