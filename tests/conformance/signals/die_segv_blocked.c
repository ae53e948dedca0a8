/* A fault whose signal is blocked ends the program though it has a handler.
 * calls: prlimit64 write
 * recalls: fault signal */
#include "fatal.h"

static void must_not_run(int number, siginfo_t *info, void *context) {
    (void)info, (void)context;
    say("handler %d", number);
    _exit(98);
}

BODY {
    fatal_company();
    handle(SIGSEGV, must_not_run, 0);
    block(SIGSEGV);
    *fatal_nowhere = 1;
    die("still alive");
}
