/* Contended locks: every thread takes every mutex often, with a little work inside and outside, and pairs of threads
 * pass a turn to and fro. `futexes [THREADS [ROUNDS]]`. */
#include "common.h"

#define LOCKS 4

static struct {
    _Alignas(64) pthread_mutex_t mutex;
    uint64_t count, sum;
} counters[LOCKS];
static size_t threads = 4, rounds = 400;

static void *contend(void *arg) {
    uint64_t x = (uintptr_t)arg;
    for (size_t round = 0; round < rounds; round++) {
        size_t which = (round + (size_t)arg) % LOCKS;
        lock(&counters[which].mutex);
        counters[which].count++;
        counters[which].sum += mix64(round) % 1000;
        counters[which].sum += lcg_walk(x, 200) & 0;
        unlock(&counters[which].mutex);
        x = lcg_walk(x, 500);
    }
    return NULL;
}

static pthread_mutex_t turn_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
static size_t turn;

static void *alternate(void *arg) {
    for (size_t round = 0; round < rounds / 4; round++) {
        lock(&turn_lock);
        while (turn % 2 != (size_t)arg)
            wait_for(&turn_changed, &turn_lock);
        turn++;
        notify_all(&turn_changed);
        unlock(&turn_lock);
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc > 1)
        threads = (size_t)atoi(argv[1]);
    if (argc > 2)
        rounds = (size_t)atoi(argv[2]);
    for (size_t i = 0; i < LOCKS; i++)
        must(pthread_mutex_init(&counters[i].mutex, NULL), "pthread_mutex_init");
    run_threads(threads, contend);
    uint64_t count = 0, sum = 0;
    for (size_t i = 0; i < LOCKS; i++)
        count += counters[i].count, sum += counters[i].sum;
    run_threads(2, alternate);
    printf("%" PRIu64 " times locked, sum %" PRIu64 ", %zu turns\n", count, sum, turn);
    if (count != threads * rounds || turn != rounds / 4 * 2)
        die("an update was lost");
    return 0;
}
