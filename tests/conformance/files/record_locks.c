/* fcntl locks: one process excludes another, threads of one process do not exclude each other, and open file
 * description locks do.
 * calls: fcntl pread64 pwrite64
 * recalls: fork */
#include "../crew.h"
#include "../pages.h"
#include "scratch.h"

enum { CREW = 3, ROUNDS = 15 };
static char name[40];
static _Atomic int inside;

static int lock(int file, int how, short type, off_t from, off_t length) {
    struct flock wanted = {.l_type = type, .l_whence = SEEK_SET, .l_start = from, .l_len = length};
    return fcntl(file, how, &wanted);
}

static void work(int me) {
    /* Each has opened the file anew: its locks are its own. */
    int file = open(name, O_RDWR | O_CLOEXEC);
    check(file >= 0);
    for (int round = 0; round < ROUNDS; round++) {
        check(lock(file, F_OFD_SETLKW, F_WRLCK, 0, 8) == 0);
        check(++inside == 1);
        long value;
        check(pread(file, &value, sizeof value, 0) == sizeof value);
        value++;
        check(pwrite(file, &value, sizeof value, 0) == sizeof value);
        inside--;
        check(lock(file, F_OFD_SETLK, F_UNLCK, 0, 8) == 0);
    }
    meet();
    check(lock(file, F_SETLK, F_WRLCK, 100, 10) == 0);
    meet();
    if (me == 0) {
        int ready[2];
        check(pipe(ready) == 0);
        pid_t parent = getpid(), pid = fork();
        check(pid >= 0);
        if (pid == 0) {
            check(lock(file, F_SETLK, F_WRLCK, 105, 1) == -1 && (errno == EAGAIN || errno == EACCES));
            struct flock who = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
            check(fcntl(file, F_GETLK, &who) == 0 && who.l_type == F_WRLCK && who.l_pid == parent);
            check(who.l_start == 100 && who.l_len == 10);
            check(lock(file, F_SETLK, F_WRLCK, 110, 1) == 0);
            check(write(ready[1], "", 1) == 1);
            check(lock(file, F_SETLKW, F_RDLCK, 100, 10) == 0); /* until the parent unlocks */
            _exit(0);
        }
        char byte;
        check(read(ready[0], &byte, 1) == 1 && close(ready[0]) == 0 && close(ready[1]) == 0);
        sleep_ms(20);
        check(lock(file, F_SETLK, F_UNLCK, 100, 10) == 0);
        exited_well(pid);
        long value;
        check(pread(file, &value, sizeof value, 0) == sizeof value);
        say("counted %ld", value);
    }
    meet();
    check(close(file) == 0);
}

BODY {
    strcpy(name, "conform.XXXXXX");
    int file = mkstemp(name);
    long zero = 0;
    check(file >= 0 && write(file, &zero, sizeof zero) == sizeof zero && close(file) == 0);
    crew(CREW, work);
    check(unlink(name) == 0);
}
