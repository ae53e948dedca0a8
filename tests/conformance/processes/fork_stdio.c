/* What stdio has buffered is doubled by fork: each process writes its copy when it flushes.
 * calls: fork wait4 writev */
#include "children.h"

BODY {
    int ends[2];
    make_pipe(ends);
    FILE *stream = fdopen(ends[1], "w");
    check(stream);
    fprintf(stream, "before ");
    pid_t child = split();
    if (child == 0) {
        fprintf(stream, "child ");
        check(fclose(stream) == 0);
        _exit(0);
    }
    check(end_of(child) == 0);
    fprintf(stream, "parent");
    check(fclose(stream) == 0);
    char text[64] = "";
    for (size_t size = 0;;) {
        ssize_t got = read(ends[0], text + size, sizeof text - 1 - size);
        check(got >= 0);
        if (got == 0)
            break;
        size += (size_t)got;
    }
    say("%s", text);
}
