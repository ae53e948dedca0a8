/* popen reads from commands and writes to commands, several at a time; pclose gives their statuses.
 * calls: clone wait4 */
#include "children.h"

BODY {
    FILE *from = popen("echo one; echo two; exit 3", "r");
    FILE *other = popen("read word; echo \"read $word\"; exit 4", "w");
    check(from && other);
    char line[64];
    while (fgets(line, sizeof line, from))
        say("from a command: %.*s", (int)strcspn(line, "\n"), line);
    check(fputs("hello\n", other) >= 0);
    int wrote = pclose(other), read = pclose(from);
    check(WIFEXITED(wrote) && WIFEXITED(read));
    say("they ended with %d and %d", WEXITSTATUS(wrote), WEXITSTATUS(read));
}
