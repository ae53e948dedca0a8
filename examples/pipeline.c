/* Producers and consumers around a bounded queue: one mutex, two condition variables.
 *
 * Half of the threads produce items, the others consume them; an item is consumed by whoever comes first. What is
 * summed up does not depend on the order. */
#include "common.h"

#define MAX_CAPACITY 1024

struct item {
    size_t number;
    uint64_t seed;
};

static size_t items = 2000, work = 15000, capacity = 16, threads = 4;
static size_t producers, consumers;
static struct item queue[MAX_CAPACITY];
static size_t queue_begin, queued, taken;
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;

/* Totals over all items, added to under queue_lock when a consumer ends. */
static struct totals {
    uint64_t count, numbers, squares, results;
} totals;

static void put(struct item item) {
    lock(&queue_lock);
    while (queued == capacity)
        wait_for(&not_full, &queue_lock);
    queue[(queue_begin + queued++) % capacity] = item;
    notify_one(&not_empty);
    unlock(&queue_lock);
}

/* False when every item has been taken. */
static bool take(struct item *item) {
    lock(&queue_lock);
    while (!queued && taken < items)
        wait_for(&not_empty, &queue_lock);
    bool some = queued > 0;
    if (some) {
        *item = queue[queue_begin];
        queue_begin = (queue_begin + 1) % capacity;
        queued--;
        if (++taken == items)
            notify_all(&not_empty); /* nothing more will come */
        notify_one(&not_full);
    }
    unlock(&queue_lock);
    return some;
}

static void *produce_or_consume(void *arg) {
    size_t thread = (size_t)arg;
    if (thread < producers) {
        size_t end = part_begin(items, producers, thread + 1);
        for (size_t i = part_begin(items, producers, thread); i < end; i++)
            put((struct item){i, mix64(i)});
        return NULL;
    }
    struct totals mine = {0};
    struct item item;
    while (take(&item)) {
        uint64_t result = lcg_walk(item.seed, work);
        if (result != lcg_jump(mix64(item.number), work))
            die("item %zu has the wrong result %016" PRIx64, item.number, result);
        mine.count++;
        mine.numbers += item.number;
        mine.squares += item.number * item.number;
        mine.results += mix64(result + item.number);
    }
    lock(&queue_lock);
    totals.count += mine.count;
    totals.numbers += mine.numbers;
    totals.squares += mine.squares;
    totals.results += mine.results;
    unlock(&queue_lock);
    return NULL;
}

int main(int argc, char **argv) {
    const struct option_spec options[] = {
        NUMBER_OPTION("--threads", &threads, 1, MAX_THREADS, "producers and consumers together, at least one of each"),
        NUMBER_OPTION("--size", &items, 1, 1000000, "items"),
        NUMBER_OPTION("--work", &work, 0, 1000000000, "steps of work on each item"),
        NUMBER_OPTION("--queue", &capacity, 1, MAX_CAPACITY, "items that the queue holds"),
    };
    parse_options(argc, argv, "Pass items from producers to consumers.", options, COUNT_OF(options), NULL);

    producers = threads > 1 ? threads / 2 : 1;
    consumers = threads > 1 ? threads - producers : 1;
    run_threads(producers + consumers, produce_or_consume);

    /* Each item came out once: as many as went in, with the sum of 0..n-1 and of their squares. */
    uint64_t n = items, numbers = n * (n - 1) / 2, squares = (n - 1) * n * (2 * n - 1) / 6;
    if (totals.count != n || totals.numbers != numbers || totals.squares != squares)
        die("%" PRIu64 " items came out of %zu, or not each of them once", totals.count, items);
    printf("%zu items consumed\n", items);
    print_checksum(totals.results);
    return 0;
}
