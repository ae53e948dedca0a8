/* flock: shared and exclusive, between threads with descriptions of their own and with a forked process that inherits
 * one.
 * calls: flock
 * recalls: fork */
#include "../crew.h"
#include "scratch.h"
#include <sys/file.h>

enum { CREW = 3, ROUNDS = 15 };
static char name[40];
static _Atomic int writers, readers;
static long value;

static void work(int me) {
    int file = open(name, O_RDWR | O_CLOEXEC);
    check(file >= 0);
    for (int round = 0; round < ROUNDS; round++) {
        bool writes = (round + me) % 2;
        check(flock(file, writes ? LOCK_EX : LOCK_SH) == 0);
        if (writes) {
            check(++writers == 1 && readers == 0);
            value++;
            writers--;
        } else {
            readers++;
            check(writers == 0);
            readers--;
        }
        check(flock(file, LOCK_UN) == 0);
    }
    meet();
    if (me == 0) {
        check(flock(file, LOCK_EX) == 0);
        pid_t pid = fork();
        check(pid >= 0);
        if (pid == 0) {
            int own = open(name, O_RDWR);
            check(own >= 0 && flock(own, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK);
            /* The inherited description is the parent's: its lock is held already, and ends here. */
            check(flock(file, LOCK_EX | LOCK_NB) == 0 && flock(file, LOCK_UN) == 0);
            check(flock(own, LOCK_EX | LOCK_NB) == 0);
            _exit(0);
        }
        exited_well(pid);
        check(flock(file, LOCK_EX | LOCK_NB) == 0);
    }
    meet();
    if (me == 1)
        check(flock(file, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK);
    meet();
    check(close(file) == 0);
}

BODY {
    strcpy(name, "conform.XXXXXX");
    int file = mkstemp(name);
    check(file >= 0 && close(file) == 0);
    crew(CREW, work);
    check(unlink(name) == 0);
    say("%ld writes", value);
}
