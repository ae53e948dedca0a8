/* Two threads fork 200 times each, at the same time; no child is lost, and each has what its parent just wrote.
 * calls: fork wait4 */
#include "children.h"

enum { THREADS = 2, FORKS = 200 };

static volatile int turn[THREADS];
static int sums[THREADS];

static void *fork_often(void *arg) {
    int me = (int)(intptr_t)arg;
    for (int i = 0; i < FORKS; i++) {
        turn[me] = i;
        pid_t child = split();
        if (child == 0)
            _exit(turn[me] == i ? (i + me) % 256 : 255);
        int end = end_of(child);
        check(end == (i + me) % 256);
        sums[me] += end;
    }
    return arg;
}

BODY {
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = spawn(fork_often, (void *)i);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    check(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    say("sums %d %d", sums[0], sums[1]);
}
