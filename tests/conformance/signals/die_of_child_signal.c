/* A signal from a child process ends the program.
 * calls: prlimit64 write
 * recalls: signal */
#include "fatal.h"

BODY {
    fatal_company();
    pid_t child = fork();
    check(child >= 0);
    if (child == 0) {
        kill(getppid(), SIGHUP);
        _exit(0);
    }
    sleep_ms(20000);
    die("still alive");
}
