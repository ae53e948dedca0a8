/* clone3 without shared memory copies all of it, at one moment: of two pages that a thread writes in turn, the child never
 * sees the second ahead of the first. By several threads.
 * calls: clone3 wait4 */
#include "children.h"

#include "../crew.h"

enum { CREW = 3, FORKS = 6 };

/* Each writer raises `first`, then `second`, which are far apart. */
static struct {
    _Atomic long first;
    char apart[5 * PAGE];
    _Atomic long second;
} counts[CREW] __attribute__((aligned(4096)));
static _Atomic int over;

static pid_t clone3_fork(void) {
    /* struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls. */
    uint64_t args[8] = {0, 0, 0, 0, SIGCHLD, 0, 0, 0};
    return (pid_t)syscall(SYS_clone3, args, sizeof args);
}

static void fork_and_look(void) {
    pid_t child = clone3_fork();
    check(child >= 0);
    if (child == 0) {
        for (int i = 0; i < CREW; i++) {
            long second = counts[i].second;
            if (counts[i].first < second || counts[i].first > second + 1)
                _exit(50 + i);
        }
        _exit(7);
    }
    int end = end_of(child);
    if (end != 7)
        die("the child ended with %d", end);
}

static void work(int me) {
    if (me == 0) {
        for (int i = 0; i < FORKS; i++)
            fork_and_look();
        over++;
    }
    while (over < 2) {
        counts[me].first++;
        counts[me].second++;
    }
}

static void *run_crew(void *arg) {
    crew(CREW, work);
    return arg;
}

BODY {
    pthread_t others = spawn(run_crew, NULL);
    for (int i = 0; i < FORKS; i++)
        fork_and_look();
    over++;
    join(others);
    say("%d children", 2 * FORKS);
}
