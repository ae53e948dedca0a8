/* SIGFPE ends the program: by an integer division by zero where the cpu traps it, else by raise.
 * calls: prlimit64 write
 * recalls: fault signal */
#include "fatal.h"

BODY {
    fatal_company();
#if defined(__x86_64__)
    volatile int zero = 0, one = 1;
    one = one / zero;
#else
    raise(SIGFPE);
#endif
    die("still alive");
}
