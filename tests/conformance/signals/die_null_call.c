/* A jump to address 0 ends the program by SIGSEGV.
 * calls: prlimit64 write
 * recalls: fault signal */
#include "fatal.h"

BODY {
    fatal_company();
    void (*volatile nowhere)(void) = NULL;
    nowhere();
    die("still alive");
}
