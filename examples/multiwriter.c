/* Page sharing, many writers: every thread writes its own slot, and the slots lie on one page.
 *
 * With --padded each slot has a page of its own, and no page is shared. Each round ends in one write of the slot. */
#include "common.h"

#define SLOT (PAGE / MAX_THREADS)

static size_t rounds = 4000, work = 10000, threads = 4;
static bool padded;
static unsigned char *slots;

static volatile uint64_t *slot_of(size_t thread) {
    return (volatile uint64_t *)(slots + thread * (padded ? PAGE : SLOT));
}

/* volatile: every round really writes memory. */
static void *write_slot(void *arg) {
    volatile uint64_t *slot = slot_of((size_t)arg);
    size_t round = part_begin(rounds, threads, (size_t)arg), end = part_begin(rounds, threads, (size_t)arg + 1);
    for (; round < end; round++)
        *slot += lcg_walk(round, work);
    return NULL;
}

int main(int argc, char **argv) {
    const struct option_spec options[] = {
        THREADS_OPTION(&threads),
        NUMBER_OPTION("--size", &rounds, 1, 1000000000, "rounds, divided among the threads"),
        NUMBER_OPTION("--work", &work, 0, 1000000000, "steps of work in each round"),
        FLAG_OPTION("--padded", &padded, "give each thread's slot a page of its own"),
    };
    parse_options(argc, argv, "Let all threads write to one page.", options, COUNT_OF(options), NULL);

    slots = new_pages(threads * (padded ? PAGE : SLOT));
    run_threads(threads, write_slot);

    uint64_t total = 0, expected = 0;
    for (size_t t = 0; t < threads; t++)
        total += *slot_of(t);
    for (size_t round = 0; round < rounds; round++)
        expected += lcg_jump(round, work);
    if (total != expected)
        die("writes were lost: the slots add up to %016" PRIx64 ", not %016" PRIx64, total, expected);
    printf("%zu rounds written\n", rounds);
    print_checksum(total);
    free(slots);
    return 0;
}
