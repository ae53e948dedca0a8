/* Threads allocate, check and free blocks of all sizes, half of them allocated by another thread. */
#include "common.h"

#define SLOTS 64
static struct block {
    size_t size;
    uint64_t seed;
    unsigned char data[];
} *slots[SLOTS];
static pthread_mutex_t slot_lock[SLOTS];
static size_t rounds = 600;
static _Atomic uint64_t total;

static struct block *new_block(uint64_t *random) {
    size_t size = 1 + next_random(random) % ((size_t)1 << (4 + next_random(random) % 15));
    struct block *block = malloc(sizeof *block + size);
    if (!block)
        die("no memory");
    block->size = size;
    block->seed = next_random(random);
    for (size_t i = 0; i < size; i += 512)
        block->data[i] = (unsigned char)mix64(block->seed + i);
    return block;
}

static void check_and_free(struct block *block) {
    for (size_t i = 0; i < block->size; i += 512)
        if (block->data[i] != (unsigned char)mix64(block->seed + i))
            die("a block of %zu bytes changed at %zu", block->size, i);
    free(block);
}

static void *churn(void *arg) {
    uint64_t random = 1 + (uintptr_t)arg;
    for (size_t round = 0; round < rounds; round++) {
        struct block *mine = new_block(&random);
        total += mine->size;
        size_t which = next_random(&random) % SLOTS;
        lock(&slot_lock[which]);
        struct block *other = slots[which];
        slots[which] = mine;
        unlock(&slot_lock[which]);
        if (other)
            check_and_free(other);
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc > 1)
        rounds = (size_t)atoi(argv[1]);
    for (size_t i = 0; i < SLOTS; i++)
        must(pthread_mutex_init(&slot_lock[i], NULL), "pthread_mutex_init");
    run_threads(4, churn);
    for (size_t i = 0; i < SLOTS; i++)
        if (slots[i])
            check_and_free(slots[i]);
    printf("%" PRIu64 " bytes\n", total);
    return 0;
}
