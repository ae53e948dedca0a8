/* Page sharing, one writer: the first thread writes generation after generation, the others watch it.
 *
 * Each generation is written to `front`, then to `back`. A reader takes `back` first and `front` second, so it must
 * never find `front` behind `back`, nor see either go back. Between two looks a reader uses words of its own, which
 * lie on the writer's page, or with --padded on a page of their own. */
#include "common.h"

#include <stdatomic.h>

#define SLOT (PAGE / MAX_THREADS)
#define OWN_READS 256 /* reads of a reader's own slot between two looks at the writer's */

static size_t rounds = 4000, work = 10000, threads = 4;
static bool padded;
static unsigned char *slots;
static uint64_t result; /* written before the last generation is published */

struct writer_slot {
    _Atomic uint64_t front, back;
};
_Static_assert(sizeof(struct writer_slot) <= SLOT, "a slot holds the writer's two words");

static void *slot_of(size_t thread) { return slots + thread * (padded ? PAGE : SLOT); }

static void write_generations(struct writer_slot *slot) {
    uint64_t x = 1;
    for (uint64_t generation = 1; generation <= rounds; generation++) {
        x = lcg_walk(x, work);
        if (generation == rounds)
            result = x;
        atomic_store(&slot->front, generation);
        atomic_store(&slot->back, generation);
    }
}

static void watch_generations(struct writer_slot *slot, size_t thread, uint64_t expected) {
    const volatile uint64_t *own = slot_of(thread);
    uint64_t seen = 0;
    while (seen < rounds) {
        for (size_t i = 0; i < OWN_READS; i++)
            if (*own != mix64(thread))
                die("thread %zu found its own slot changed", thread);
        uint64_t back = atomic_load(&slot->back), front = atomic_load(&slot->front);
        if (back < seen || front < back || front > rounds)
            die("thread %zu saw generation %" PRIu64 ", then back %" PRIu64 " and front %" PRIu64, thread, seen,
                back, front);
        seen = back;
    }
    if (result != expected)
        die("thread %zu read the result %016" PRIx64 ", not %016" PRIx64, thread, result, expected);
}

static void *write_or_watch(void *arg) {
    size_t thread = (size_t)arg;
    if (thread == 0)
        write_generations(slot_of(0));
    else
        watch_generations(slot_of(0), thread, lcg_jump(1, rounds * work));
    return NULL;
}

int main(int argc, char **argv) {
    const struct option_spec options[] = {
        THREADS_OPTION(&threads),
        NUMBER_OPTION("--size", &rounds, 1, 1000000000, "generations that the writer writes"),
        NUMBER_OPTION("--work", &work, 0, 1000000000, "steps of work before each generation"),
        FLAG_OPTION("--padded", &padded, "give each thread's slot a page of its own"),
    };
    parse_options(argc, argv, "Let one thread write to a page that the others read.", options, COUNT_OF(options),
                  NULL);

    slots = new_pages(threads * (padded ? PAGE : SLOT));
    for (size_t t = 1; t < threads; t++)
        *(uint64_t *)slot_of(t) = mix64(t);
    run_threads(threads, write_or_watch);

    if (result != lcg_jump(1, rounds * work))
        die("wrong result %016" PRIx64, result);
    printf("%zu generations written\n", rounds);
    print_checksum(result);
    free(slots);
    return 0;
}
