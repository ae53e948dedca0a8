/* A process of a given size with one busy thread: `bench_resident [MIB [WORK_MIB]]`. The thread works on a part of the
 * memory; told is its speed from one second after its start on. */
#include "bench.h"

static size_t bytes, part;
static uint64_t *memory;
static double speed;

static void pass(void) {
    for (size_t i = 0; i < part / sizeof *memory; i++)
        memory[i] = memory[i] * LCG_MULTIPLIER + LCG_INCREMENT;
}

static void *work(void *arg) {
    double start = seconds_now();
    while (seconds_now() - start < 1)
        pass();
    double begin = seconds_now();
    size_t passes = 0;
    do {
        pass();
        passes++;
    } while (seconds_now() - begin < 2);
    speed = (double)(passes * part) / 1e6 / (seconds_now() - begin);
    return arg;
}

int main(int argc, char **argv) {
    bytes = number_at(argc, argv, 1, 64) << 20;
    part = number_at(argc, argv, 2, 64) << 20;
    if (part > bytes)
        part = bytes;
    memory = aligned_alloc(PAGE, bytes);
    if (!memory)
        die("no memory");
    memset(memory, 1, bytes);
    run_threads(1, work);
    printf("mb_per_s: %.1f\n", speed);
    return 0;
}
