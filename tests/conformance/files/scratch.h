/* Files of a program's own, in the current directory, and gone when it ends. */
#ifndef CONFORM_SCRATCH_H
#define CONFORM_SCRATCH_H
#include "../conform.h"

/* A new empty file without a name. */
static inline int scratch_file(void) {
    char name[] = "conform.XXXXXX";
    int file = mkostemp(name, O_CLOEXEC);
    check(file >= 0 && unlink(name) == 0);
    return file;
}

/* A new directory; the caller removes it. */
static inline void scratch_dir(char name[static 32]) {
    strcpy(name, "conform.XXXXXX");
    check(mkdtemp(name) != NULL);
}

static inline void write_all(int file, const void *from, size_t length) {
    for (size_t done = 0; done < length;) {
        ssize_t n = write(file, (const char *)from + done, length - done);
        check(n > 0);
        done += (size_t)n;
    }
}

static inline void read_all(int file, void *to, size_t length) {
    for (size_t done = 0; done < length;) {
        ssize_t n = read(file, (char *)to + done, length - done);
        check(n > 0);
        done += (size_t)n;
    }
}

static inline void exited_well(pid_t pid) {
    int status;
    check(waitpid(pid, &status, 0) == pid);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif
