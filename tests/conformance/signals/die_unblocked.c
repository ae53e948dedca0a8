/* A signal that is pending and blocked ends the program when it is unblocked.
 * calls: prlimit64 write
 * recalls: signal */
#include "fatal.h"

BODY {
    fatal_company();
    block(SIGUSR1);
    must(pthread_kill(pthread_self(), SIGUSR1));
    say("pending");
    unblock(SIGUSR1);
    die("still alive");
}
