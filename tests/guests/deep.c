/* A thread computes, deep in a recursion, while main waits for a line. With "crash" both ways end in a
 * fault: "child" makes the thread have it, "main" main. Any other line ends the program. The names of the
 * functions are the test's. */
#include "common.h"

#include <stdatomic.h>

static atomic_int go;
static volatile int sink;
static int *volatile nowhere;

static __attribute__((noinline)) void innermost(void) {
    while (atomic_load(&go) == 0) {
        sink = sink + 1;
    }
    if (atomic_load(&go) == 2) {
        *nowhere = 1;
    }
}

static __attribute__((noinline)) void goes_deep(int n) {
    if (n > 0) {
        goes_deep(n - 1);
    } else {
        innermost();
    }
    sink = sink + 1;
}

static void *computes(void *arg) {
    goes_deep(30);
    return arg;
}

static __attribute__((noinline)) void listens(char *line, int size) {
    if (fgets(line, size, stdin) == NULL) {
        line[0] = '\0';
    }
    sink = sink + 1;
}

static __attribute__((noinline)) void ends_badly(void) {
    *nowhere = 2;
    sink = sink + 1;
}

int main(void) {
    char line[64];
    pthread_t thread;
    if (pthread_create(&thread, NULL, computes, NULL) != 0) {
        return 2;
    }
    printf("ready\n");
    fflush(stdout);
    listens(line, sizeof line);
    if (strcmp(line, "main\n") == 0) {
        ends_badly();
    }
    atomic_store(&go, strcmp(line, "child\n") == 0 ? 2 : 1);
    pthread_join(thread, NULL);
    printf("done\n");
    return 0;
}
