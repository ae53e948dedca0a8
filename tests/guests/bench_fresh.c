/* Main touches fresh private memory while a child computes elsewhere: `bench_fresh [MIB [TIMES]]`. */
#include "bench.h"

#include <sys/mman.h>

static _Atomic bool done;

static void *compute(void *arg) {
    volatile uint64_t sink = (uintptr_t)arg;
    while (!done)
        sink = lcg_walk(sink, 100000);
    return NULL;
}

int main(int argc, char **argv) {
    size_t bytes = number_at(argc, argv, 1, 64) << 20, times = number_at(argc, argv, 2, 8);
    pthread_t thread;
    must(pthread_create(&thread, NULL, compute, NULL), "pthread_create");
    settle(1.5);
    double begin = seconds_now();
    for (size_t i = 0; i < times; i++) {
        unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            die("no memory");
        for (size_t at = 0; at < bytes; at += PAGE)
            memory[at] = 1;
        munmap(memory, bytes);
    }
    double seconds = seconds_now() - begin;
    done = true;
    must(pthread_join(thread, NULL), "pthread_join");
    printf("mb_per_s: %.1f\n", (double)(bytes * times) / 1e6 / seconds);
    return 0;
}
