/* A breakpoint nobody waits for ends the program by SIGTRAP.
 * calls: prlimit64 write
 * recalls: fault signal */
#include "fatal.h"

BODY {
    fatal_company();
#if defined(__x86_64__)
    __asm__ volatile("int3");
#elif defined(__aarch64__)
    __asm__ volatile("brk #0");
#else
    raise(SIGTRAP);
#endif
    die("still alive");
}
