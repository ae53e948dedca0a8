/* _exit from a child thread ends the whole process at once: no handler runs, nothing buffered is written, threads that
 * compute or wait inside calls just vanish.
 * calls: exit_group write read */
#include "../conform.h"

static void handler(void) {
    say("a handler ran");
}
static void *compute(void *arg) {
    for (volatile uint64_t i = 0;; i++)
        ;
    return arg;
}
static void *read_nothing(void *arg) {
    int ends[2];
    char byte;
    check(pipe(ends) == 0);
    (void)!read(ends[0], &byte, 1);
    die("read");
    return arg;
}

BODY {
    setvbuf(stdout, NULL, _IOFBF, 4096);
    check(atexit(handler) == 0);
    spawn(compute, NULL);
    spawn(read_nothing, NULL);
    spawn(compute, NULL);
    settle();
    printf("never written\n");
    say("written");
    _exit(255);
}
