/* Executes another program: `execs main|thread PROGRAM [ARG...]`, while other threads compute. */
#include "common.h"

#include <unistd.h>

static char **command;

static void *compute(void *arg) {
    volatile uint64_t sink = (uintptr_t)arg;
    for (;;)
        sink = lcg_walk(sink, 1000);
    return NULL;
}

static void *execute(void *arg) {
    (void)arg;
    usleep(300000);
    execv(command[0], command);
    die("%s: %s", command[0], strerror(errno));
}

int main(int argc, char **argv) {
    if (argc < 3)
        usage_error("say who executes, and what");
    command = argv + 2;
    pthread_t thread;
    for (size_t i = 0; i < 2; i++)
        must(pthread_create(&thread, NULL, compute, (void *)i), "pthread_create");
    if (!strcmp(argv[1], "main"))
        execute(NULL);
    run_threads(1, execute);
    return 1;
}
