/* The main thread executes another program while child threads compute; an exec that fails before leaves them alone.
 * home: the main thread executes */
#define BODY_AT_HOME
#include "roles.h"

static _Atomic long steps;

static int role(int count, char **args) {
    check(count == 2);
    say("%s by process %s", args[0], atoi(args[1]) == getpid() ? "the same" : "another");
    return 5;
}

static void *compute(void *arg) {
    for (;;)
        steps++;
    return arg;
}

BODY {
    for (int i = 0; i < 3; i++)
        spawn(compute, NULL);
    settle();
    char pid[16];
    snprintf(pid, sizeof pid, "%d", getpid());
    char *args[] = {"self", "executed", pid, NULL};
    check(execv("/proc/self/nothing", args) == -1 && errno == ENOENT);
    long then = steps;
    while (steps == then)
        sched_yield();
    execv(SELF, args);
    die("exec");
}
