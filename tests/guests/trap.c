/* A trap instruction in a child thread, as assertions use: the program dies of SIGTRAP. */
#include "common.h"

static void *trap(void *arg) {
    volatile uint64_t x = lcg_walk(1, 1000000);
    (void)arg, (void)x;
#if defined(__x86_64__)
    __asm__ volatile("int3");
#else
    __builtin_trap();
#endif
    printf("after the trap\n");
    return NULL;
}

int main(void) {
    run_threads(1, trap);
    printf("the trap was lost\n");
    return 0;
}
