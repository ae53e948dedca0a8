/* What the compiler of Popcorn Linux leaves in a program: metadata for its kernel and library, and migration points
 * that look at a word. Nobody sets that here. */
#include "common.h"

#include <stdatomic.h>

#define METADATA(name) __attribute__((used, section(name)))

METADATA(".stack_transform.unwind") static const long unwind[4] = {1};
METADATA(".stack_transform.unwind_arange") static const long ranges[4] = {2};
METADATA(".llvm_pcn_stackmaps") static const long maps[4] = {3};
volatile int __indicator = -1;
volatile int __migrate_gb_variable = -1;

static atomic_long asked, moved;

__attribute__((noinline)) void check_migrate(void) {
    atomic_fetch_add(&asked, 1);
    if (__indicator >= 0 || __migrate_gb_variable >= 0) {
        atomic_fetch_add(&moved, 1);
    }
}

static void *works(void *sum) {
    for (long i = 0; i < 100000; i++) {
        check_migrate();
        *(long *)sum += i % 7;
    }
    return NULL;
}

int main(void) {
    enum { THREADS = 4 };
    static long sums[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, works, &sums[i]) != 0) {
            return 2;
        }
    }
    long sum = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += sums[i];
    }
    printf("sum %ld, asked %ld, moved %ld\n", sum, atomic_load(&asked), atomic_load(&moved));
    return 0;
}
