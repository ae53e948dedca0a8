/* Any thread can wait for any child of the process, whichever thread forked it: by pid, for any, without waiting, by
 * waitid; each child is reported once.
 * calls: fork wait4 waitid */
#include "children.h"

enum { THREADS = 3, EACH = 8, CHILDREN = THREADS * EACH };

static pid_t children[CHILDREN];
static _Atomic int sum, count;

static pid_t child_ending_with(int status) {
    pid_t child = split();
    if (child == 0)
        _exit(status);
    return child;
}

static void *reap(void *arg) {
    int me = (int)(intptr_t)arg;
    for (;;) {
        int status = 0;
        pid_t found = -1;
        if (me == 0) {
            found = waitpid(-1, &status, 0);
        } else if (me == 1) {
            while ((found = waitpid(-1, &status, WNOHANG)) == 0)
                sched_yield();
        } else {
            siginfo_t info = {0};
            if (waitid(P_ALL, 0, &info, WEXITED) == 0) {
                check(info.si_signo == SIGCHLD && info.si_code == CLD_EXITED);
                found = info.si_pid;
                status = info.si_status << 8;
            }
        }
        if (found < 0) {
            check(errno == ECHILD);
            return arg;
        }
        check(WIFEXITED(status) && children[WEXITSTATUS(status)] == found);
        sum += WEXITSTATUS(status);
        count++;
    }
}

static void *make(void *arg) {
    int me = (int)(intptr_t)arg;
    for (int i = me * EACH; i < (me + 1) * EACH; i++)
        children[i] = child_ending_with(i);
    return arg;
}

BODY {
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = spawn(make, (void *)i);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    pid_t mine = child_ending_with(200);
    check(end_of(mine) == 200);
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = spawn(reap, (void *)i);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    say("%d children, sum %d", count, sum);
    errno = 0;
    check(waitpid(getpid(), NULL, 0) == -1 && errno == ECHILD);
    siginfo_t info;
    check(waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == -1 && errno == ECHILD);
}
