/* How long a read fault on a remote page takes, as its thread sees it: `bench_fault [PAGES]`, a power of two.
 *
 * Main writes the pages; a child touches each once, in an order in which no neighbour follows a neighbour. */
#include "bench.h"

static size_t pages;
static unsigned char *memory;
static uint64_t *samples;

/* A bijection of [0, pages): two multiplications by odd numbers with a mixing step between. */
static size_t shuffled(size_t i) {
    size_t mask = pages - 1;
    i = (i * 40503 + 12345) & mask;
    i ^= i >> 5;
    return (i * 51749) & mask;
}

static int compare_samples(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void *touch(void *arg) {
    double frequency = settle(1.5);
    memset(samples, 0, pages * sizeof *samples);
    for (size_t i = 0; i < pages; i++) {
        volatile unsigned char *page = memory + shuffled(i) * PAGE;
        uint64_t begin = counter();
        unsigned char value = *page;
        samples[i] = counter() - begin;
        if (value != (unsigned char)(shuffled(i) % 251 + 1))
            die("page %zu has the wrong content", shuffled(i));
    }
    qsort(samples, pages, sizeof *samples, compare_samples);
    *(double *)arg = 1e6 / frequency;
    return NULL;
}

int main(int argc, char **argv) {
    pages = number_at(argc, argv, 1, 8192);
    memory = new_pages(pages * PAGE);
    samples = new_pages(pages * sizeof *samples);
    for (size_t i = 0; i < pages; i++)
        memset(memory + i * PAGE, (int)(i % 251) + 1, PAGE);
    pthread_t thread;
    double unit;
    must(pthread_create(&thread, NULL, touch, &unit), "pthread_create");
    must(pthread_join(thread, NULL), "pthread_join");
    printf("fault_us_p50: %.3f\n", (double)samples[pages / 2] * unit);
    printf("fault_us_p90: %.3f\n", (double)samples[pages / 10 * 9] * unit);
    printf("pages: %zu\n", pages);
    return 0;
}
