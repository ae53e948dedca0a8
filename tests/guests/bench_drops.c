/* Main allocates as jemalloc or glibc do under pressure, dropping what it frees, while a child computes elsewhere:
 * `bench_drops [ROUNDS [PAGES]]`. */
#include "bench.h"

#include <sys/mman.h>

#define BLOCKS 64

static _Atomic bool done;

static void *compute(void *arg) {
    volatile uint64_t sink = (uintptr_t)arg;
    while (!done)
        sink = lcg_walk(sink, 100000);
    return NULL;
}

int main(int argc, char **argv) {
    size_t rounds = number_at(argc, argv, 1, 20000), bytes = number_at(argc, argv, 2, 16) * PAGE;
    pthread_t thread;
    must(pthread_create(&thread, NULL, compute, NULL), "pthread_create");
    settle(1.5);
    unsigned char *arena = mmap(NULL, BLOCKS * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED)
        die("no memory");
    uint64_t random = 1;
    double begin = seconds_now();
    for (size_t i = 0; i < rounds; i++) {
        unsigned char *block = arena + next_random(&random) % BLOCKS * bytes;
        for (size_t at = 0; at < bytes; at += PAGE)
            block[at] = 1;
        if (madvise(block, bytes, MADV_DONTNEED))
            die("madvise: %s", strerror(errno));
    }
    double seconds = seconds_now() - begin;
    done = true;
    must(pthread_join(thread, NULL), "pthread_join");
    printf("us_per_round: %.2f\n", seconds * 1e6 / (double)rounds);
    return 0;
}
