/* Files for direct transfers (O_DIRECT). */
#ifndef CONFORM_DIRECT_H
#define CONFORM_DIRECT_H

#include "../crew.h"
#include "../pages.h"
#include "scratch.h"

/* A file without a name for direct transfers; -1: the file system refuses them, which has been said. */
static inline int direct_file(void) {
    char name[] = "conform.XXXXXX";
    check(close(mkstemp(name)) == 0);
#ifdef DIRECT_BY_OPENAT2
    uint64_t how[3] = {O_RDWR | O_DIRECT | O_CLOEXEC, 0, 0};
    int file = (int)syscall(SYS_openat2, AT_FDCWD, name, how, sizeof how);
#else
    int file = openat(AT_FDCWD, name, O_RDWR | O_DIRECT | O_CLOEXEC);
#endif
    int refused = file < 0 && errno == EINVAL;
    check((file >= 0 || refused) && unlink(name) == 0);
    if (refused)
        say("the file system refuses direct transfers");
    return file;
}

#endif
