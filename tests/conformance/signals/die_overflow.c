/* An overflow of a thread's stack, without an alternate one, ends the program by SIGSEGV though there is a handler.
 * calls: prlimit64 write
 * recalls: fault signal */
#include "fatal.h"

static void must_not_run(int number, siginfo_t *info, void *context) {
    (void)info, (void)context;
    say("handler %d", number);
    _exit(98);
}

static volatile int depth = 1 << 30;

__attribute__((noinline)) static int sink(volatile char *above) {
    volatile char frame[512];
    frame[0] = above[0];
    if (--depth == 0)
        return frame[0];
    return sink(frame) + frame[0];
}

BODY {
    handle(SIGSEGV, must_not_run, 0);
    fatal_company();
    sink("");
    die("still alive");
}
