/* A fault whose signal is ignored ends the program nevertheless.
 * calls: prlimit64 write
 * recalls: fault signal */
#include "fatal.h"

BODY {
    fatal_company();
    signal(SIGSEGV, SIG_IGN);
    *fatal_nowhere = 1;
    die("still alive");
}
