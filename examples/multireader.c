/* Page sharing, many readers: main writes a page, and every thread reads it over and over.
 *
 * With --padded each thread reads a copy on a page of its own. Either way a page has to move once at most. */
#include "common.h"

#define WORDS (PAGE / sizeof(uint64_t))

static size_t rounds = 400000, threads = 4;
static bool padded;
static uint64_t *pages;
static uint64_t totals[MAX_THREADS];

/* volatile: every round really reads memory. */
static void *read_page(void *arg) {
    size_t t = (size_t)arg;
    const volatile uint64_t *page = pages + (padded ? t * WORDS : 0);
    size_t round = part_begin(rounds, threads, t), end = part_begin(rounds, threads, t + 1);
    uint64_t total = 0;
    for (; round < end; round++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < WORDS; i++)
            sum += page[i];
        total += sum * (round + 1);
    }
    totals[t] = total;
    return NULL;
}

int main(int argc, char **argv) {
    const struct option_spec options[] = {
        THREADS_OPTION(&threads),
        NUMBER_OPTION("--size", &rounds, 1, 1000000000, "times the page is read, divided among the threads"),
        FLAG_OPTION("--padded", &padded, "give each thread a copy on a page of its own"),
    };
    parse_options(argc, argv, "Let all threads read one page.", options, COUNT_OF(options), NULL);

    size_t copies = padded ? threads : 1;
    pages = new_pages(copies * PAGE);
    uint64_t page_sum = 0;
    for (size_t copy = 0; copy < copies; copy++) {
        uint64_t seed = 1;
        page_sum = 0;
        for (size_t i = 0; i < WORDS; i++)
            page_sum += pages[copy * WORDS + i] = next_random(&seed);
    }
    run_threads(threads, read_page);

    uint64_t total = 0, weights = 0;
    for (size_t t = 0; t < threads; t++)
        total += totals[t];
    for (size_t round = 0; round < rounds; round++)
        weights += round + 1;
    if (total != page_sum * weights)
        die("wrong sum: %016" PRIx64 ", expected %016" PRIx64, total, page_sum * weights);
    printf("page read %zu times\n", rounds);
    print_checksum(total);
    free(pages);
    return 0;
}
