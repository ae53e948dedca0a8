/* An access to a page of a file mapping behind the end of the file ends the program by SIGBUS.
 * calls: prlimit64 write
 * recalls: unwatched-memory signal */
#include "fatal.h"

BODY {
    fatal_company();
    FILE *file = tmpfile();
    check(file != NULL);
    char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    check(map != MAP_FAILED);
    *(volatile char *)map = 1;
    die("still alive");
}
