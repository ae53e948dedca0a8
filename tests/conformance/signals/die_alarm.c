/* An alarm without a handler ends the program, while its threads compute.
 * calls: prlimit64 write
 * recalls: signal */
#include "fatal.h"

BODY {
    fatal_company();
    alarm(1);
    fatal_compute(NULL);
    die("still alive");
}
