/* A write to a pipe that nobody reads ends the program by SIGPIPE.
 * calls: prlimit64 write
 * recalls: signal */
#include "fatal.h"

BODY {
    fatal_company();
    int ends[2];
    check(pipe(ends) == 0);
    close(ends[0]);
    write(ends[1], "x", 1);
    die("still alive");
}
