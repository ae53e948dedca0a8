/* Two threads add to one variable, alone in its page, until the input ends. Writes `ready` when both run. */
#include "common.h"

#include <unistd.h>

#define FIGHTERS 2
static _Alignas(4096) struct {
    _Atomic uint64_t sum;
    char rest[4096 - sizeof(uint64_t)];
} fought_over;
static _Atomic bool done;
static uint64_t added[FIGHTERS];
static pthread_barrier_t started;

static void *fight(void *arg) {
    wait_at(&started);
    uint64_t times = 0;
    for (; !done; times++)
        fought_over.sum++;
    added[(size_t)arg] = times;
    return NULL;
}

int main(void) {
    must(pthread_barrier_init(&started, NULL, FIGHTERS + 1), "pthread_barrier_init");
    pthread_t ids[FIGHTERS];
    for (size_t i = 0; i < FIGHTERS; i++)
        must(pthread_create(&ids[i], NULL, fight, (void *)i), "pthread_create");
    wait_at(&started);
    puts("ready");
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    done = true;
    uint64_t sum = 0;
    for (size_t i = 0; i < FIGHTERS; i++) {
        must(pthread_join(ids[i], NULL), "pthread_join");
        sum += added[i];
    }
    if (fought_over.sum != sum)
        die("%" PRIu64 " of %" PRIu64 " were lost", sum - fought_over.sum, sum);
    puts("nothing was lost");
    return 0;
}
