/* A write to an address that is not mapped ends the program by SIGSEGV.
 * calls: prlimit64 write
 * recalls: fault signal */
#include "fatal.h"

BODY {
    fatal_company();
    *fatal_nowhere = 1;
    die("still alive");
}
