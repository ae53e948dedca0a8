/* vfork: the parent waits until the child executes a program or ends, and sees what the child wrote in its memory.
 * calls: vfork wait4 */
#include "roles.h"

static int role(int count, char **args) {
    check(count == 2 && !strcmp(args[0], "executed"));
    return atoi(args[1]);
}

BODY {
    static volatile int written[3 * PAGE / sizeof(int)];
    pid_t child = vfork();
    if (child == 0) {
        for (int i = 0; i < 3; i++)
            written[(unsigned)i * PAGE / sizeof(int)] = i + 10;
        _exit(6);
    }
    check(child > 0);
    say("vfork left %d %d %d", written[0], written[PAGE / sizeof(int)], written[2 * PAGE / sizeof(int)]);
    say("its child ended with %d", end_of(child));
    child = vfork();
    if (child == 0) {
        execl(SELF, "self", "executed", "17", (char *)NULL);
        _exit(99);
    }
    check(child > 0);
    say("its program ended with %d", end_of(child));
}
