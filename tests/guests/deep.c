/* A thread computes, deep in a recursion, while main waits for a line: "child" has the thread end in a
 * fault, "main" main; any other ends the program. The test knows the functions by their names. */
#include "common.h"

#include <stdatomic.h>
#include <unistd.h>

static atomic_int computing, go;
static volatile int sink;
static int *volatile nowhere;

static __attribute__((noinline)) void innermost(void) {
    atomic_store(&computing, 1);
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
    while (atomic_load(&computing) == 0) {
        usleep(1000);
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
