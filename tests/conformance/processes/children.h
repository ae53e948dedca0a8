/* What programs about processes share: how a child ended, and pipes that tell of an end. */
#ifndef CHILDREN_H
#define CHILDREN_H

#include "../conform.h"

/* Waits for `child`; its exit status, or 1000 + the signal that killed it. */
static inline int end_of(pid_t child) {
    int status;
    pid_t found;
    do
        found = waitpid(child, &status, 0);
    while (found < 0 && errno == EINTR);
    check(found == child);
    check(WIFEXITED(status) || WIFSIGNALED(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Forks: 0 in the child. */
static inline pid_t split(void) {
    pid_t child = fork();
    check(child >= 0);
    return child;
}

static inline void make_pipe(int ends[2]) {
    check(pipe2(ends, O_CLOEXEC) == 0);
}

/* Reads exactly `size` bytes; false at the end of file. */
static inline bool read_all(int fd, void *to, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t got = read(fd, (char *)to + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        check(got >= 0);
        if (got == 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

static inline void write_all(int fd, const void *from, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t wrote = write(fd, (const char *)from + done, size - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        check(wrote > 0);
        done += (size_t)wrote;
    }
}

/* Waits until every copy of the other end is closed. */
static inline void await_end_of_file(int fd) {
    char byte;
    check(!read_all(fd, &byte, 1));
}

#endif
