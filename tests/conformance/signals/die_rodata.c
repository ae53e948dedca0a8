/* A write to a constant ends the program by SIGSEGV.
 * calls: prlimit64 write
 * recalls: fault signal */
#include "fatal.h"

static const char constant[] = "constant";

BODY {
    fatal_company();
    *(volatile char *)(uintptr_t)constant = 1;
    die("still alive");
}
