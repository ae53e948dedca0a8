/* A real-time signal without a handler ends the program.
 * calls: prlimit64 write
 * recalls: signal */
#include "fatal.h"

BODY {
    fatal_company();
    union sigval value = {.sival_int = 5};
    check(sigqueue(getpid(), SIGRTMIN + 3, value) == 0);
    sleep_ms(20000);
    die("still alive");
}
