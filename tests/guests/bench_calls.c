/* For the benchmarks of rtx-cc: nothing but calls. Prints a number that depends on --depth only. */
#include "common.h"

__attribute__((noinline)) static uint64_t climb(uint64_t n) {
    return n < 2 ? n : climb(n - 1) + climb(n - 2);
}

int main(int argc, char **argv) {
    size_t depth = 36;
    const struct option_spec specs[] = {NUMBER_OPTION("--depth", &depth, 1, 60, "how deep the calls go")};
    parse_options(argc, argv, "Calls itself.", specs, COUNT_OF(specs), NULL);
    printf("%" PRIu64 "\n", climb(depth));
    return 0;
}
