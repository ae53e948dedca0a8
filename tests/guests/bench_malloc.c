/* Allocation and clocks, as hot as they get: `bench_malloc [ROUNDS]`, in main and one child. */
#include "bench.h"

static size_t rounds;

static void *churn(void *arg) {
    void *blocks[64] = {0};
    uint64_t random = 1 + (uintptr_t)arg;
    double latest = 0;
    for (size_t i = 0; i < rounds; i++) {
        uint64_t number = next_random(&random);
        /* One in 256 is large enough for a mapping of its own. */
        size_t size = number % 256 ? 16 + number % 2000 : 256 << 10;
        size_t slot = number >> 32 & 63;
        free(blocks[slot]);
        blocks[slot] = malloc(size);
        if (!blocks[slot])
            die("no memory");
        *(volatile char *)blocks[slot] = 1;
        double now = seconds_now();
        if (now < latest)
            die("the clock went back");
        latest = now;
    }
    for (size_t i = 0; i < 64; i++)
        free(blocks[i]);
    return NULL;
}

int main(int argc, char **argv) {
    rounds = number_at(argc, argv, 1, 3000000);
    run_threads(1, churn);
    printf("%zu rounds\n", rounds);
    return 0;
}
