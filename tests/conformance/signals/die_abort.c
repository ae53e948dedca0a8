/* abort in a thread ends the program by SIGABRT, though SIGABRT is blocked and has a handler that returns.
 * calls: prlimit64 write
 * recalls: signal */
#include "fatal.h"

static void on_abort(int number, siginfo_t *info, void *context) {
    (void)info, (void)context;
    say("handler %d", number);
}

BODY {
    fatal_company();
    block(SIGABRT);
    handle(SIGABRT, on_abort, 0);
    abort();
    die("still alive");
}
