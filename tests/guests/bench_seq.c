/* How fast a thread reads remote memory from front to back: `bench_seq [MIB [hold]]`. With `hold` the program then
 * keeps everything until its input ends. */
#include "bench.h"

#include <unistd.h>

static size_t words;
static uint64_t *memory;
static bool hold;

/* One word of each cache line: the memory's speed, not the processor's. */
static void *read_all(void *arg) {
    (void)arg;
    settle(1.5);
    uint64_t sum = 0, expected = 0;
    double begin = seconds_now();
    for (size_t i = 0; i < words; i += 8)
        sum += memory[i];
    double seconds = seconds_now() - begin;
    for (size_t i = 0; i < words; i += 8)
        expected += i + 1;
    if (sum != expected)
        die("the memory has the wrong content");
    printf("mb_per_s: %.1f\n", (double)(words * sizeof *memory) / 1e6 / seconds);
    fflush(stdout);
    char byte;
    while (hold && read(STDIN_FILENO, &byte, 1) > 0)
        ;
    return NULL;
}

int main(int argc, char **argv) {
    size_t bytes = number_at(argc, argv, 1, 256) << 20;
    hold = argc > 2;
    words = bytes / sizeof *memory;
    memory = aligned_alloc(PAGE, bytes);
    if (!memory)
        die("no memory");
    for (size_t i = 0; i < words; i++)
        memory[i] = i + 1;
    run_threads(1, read_all);
    return 0;
}
