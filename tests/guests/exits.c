/* The ways in which a program can end: `exits HOW [N]`, with child threads that compute meanwhile. */
#include "common.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *how;
static int number;
static pthread_barrier_t started;

static void *compute(void *arg) {
    wait_at(&started);
    volatile uint64_t sink = 0;
    for (;;)
        sink = lcg_walk(sink + (uintptr_t)arg, 1000);
    return NULL;
}

/* Time for the thread to have moved to a board. */
static void settle(void) { usleep(300000); }

static void *end_from_thread(void *arg) {
    (void)arg;
    settle();
    if (!strcmp(how, "thread-exit"))
        exit(number);
    if (!strcmp(how, "thread-group-exit"))
        _exit(number);
    if (!strcmp(how, "thread-null"))
        *(volatile int *)NULL = 1;
    if (!strcmp(how, "thread-trap"))
        __builtin_trap();
    if (!strcmp(how, "thread-divide")) {
        /* The volatile keeps the compiler from seeing what it divides by. */
        volatile int zero = 0;
        number = number / zero;
    }
    if (!strcmp(how, "thread-raise"))
        raise(number);
    if (!strcmp(how, "thread-kill"))
        kill(getpid(), number);
    if (!strcmp(how, "thread-abort"))
        abort();
    return (void *)(uintptr_t)number;
}

int main(int argc, char **argv) {
    if (argc < 2)
        usage_error("say how to end");
    how = argv[1];
    number = argc > 2 ? atoi(argv[2]) : 0;
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);

    pthread_t busy, ending;
    must(pthread_barrier_init(&started, NULL, 2), "pthread_barrier_init");
    must(pthread_create(&busy, NULL, compute, (void *)1), "pthread_create");
    wait_at(&started);
    printf("ends by %s %d\n", how, number);
    fflush(stdout);
    if (!strcmp(how, "return")) {
        settle();
        return number;
    }
    if (!strcmp(how, "raise")) {
        settle();
        raise(number);
    }
    must(pthread_create(&ending, NULL, end_from_thread, NULL), "pthread_create");
    if (!strcmp(how, "main-first"))
        pthread_exit(NULL); /* the others go on; the test ends them */
    void *result;
    must(pthread_join(ending, &result), "pthread_join");
    printf("joined with %d\n", (int)(uintptr_t)result);
    fflush(stdout);
    return 99;
}
