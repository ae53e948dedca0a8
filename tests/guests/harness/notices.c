/* Tells whether it is traced, which it is under rtx-run only.
 * calls: read */
#include "../../conformance/conform.h"

BODY {
    char status[4096];
    int file = open("/proc/self/status", O_RDONLY);
    check(file >= 0);
    ssize_t n = read(file, status, sizeof status - 1);
    check(n > 0);
    status[n] = 0;
    say("traced: %s", strstr(status, "TracerPid:\t0\n") ? "no" : "yes");
}
