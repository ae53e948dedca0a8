/* Writes lines for ever, from a child thread: ended by SIGPIPE, or by the error if that is ignored. */
#include "common.h"

#include <unistd.h>

static void *write_lines(void *arg) {
    (void)arg;
    while (write(STDOUT_FILENO, "line\n", 5) == 5)
        ;
    fprintf(stderr, "write: %s\n", strerror(errno));
    exit(3);
}

int main(void) {
    run_threads(1, write_lines);
    return 0;
}
