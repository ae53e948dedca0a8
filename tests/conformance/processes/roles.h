/* A program that executes itself: with arguments it does not run its body but `role`, and ends with what that returns.
 * The arguments are read before main, so that conform.h's main stays as it is. */
#ifndef ROLES_H
#define ROLES_H

#include "children.h"

#define SELF "/proc/self/exe"
enum { ROLE_ARGS = 16 };

static int role(int count, char **args);

/* The arguments stand before the environment, and their number before them. (/proc/self/cmdline is read by the kernel,
 * which is another program's business.) */
__attribute__((constructor)) static void take_role(void) {
    extern char **environ;
    char **end = environ - 1;
    int count = 0;
    while ((uintptr_t)end[-1 - count] != (uintptr_t)count)
        count++;
    check(count > 0 && count < ROLE_ARGS);
    char **args = end - count;
    if (count > 1)
        exit(role(count - 1, args + 1));
}

#endif
