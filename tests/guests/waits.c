/* A child thread computes for a moment, waits for a line, and computes again. */
#include "common.h"

#include <unistd.h>

/* Makes no calls. */
static void compute(int rounds) {
    volatile uint32_t seed = 1;
    for (int i = 0; i < rounds; i++)
        seed = seed * 1664525 + 1013904223;
}

static void *work(void *arg) {
    char line[16];
    compute(100000000);
    if (write(STDOUT_FILENO, "waits\n", 6) != 6 || read(STDIN_FILENO, line, sizeof line) <= 0)
        exit(3);
    compute(50000000);
    return arg;
}

int main(void) {
    run_threads(1, work);
    puts("done");
    return 0;
}
