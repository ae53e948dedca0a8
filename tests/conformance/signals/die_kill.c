/* SIGKILL to itself ends the program.
 * calls: prlimit64 write
 * recalls: signal */
#include "fatal.h"

BODY {
    fatal_company();
    check(kill(getpid(), SIGKILL) == 0);
    sleep_ms(20000);
    die("still alive");
}
