/* Signals to a process that blocks them in all threads: threads that wait for them on several boards get one each, and
 * together all.
 * home: main must block the signal before all others exist */
#define BODY_AT_HOME
#include "signals.h"

enum { WAITERS = 3, SIGNALS = 60 };

static atomic_int sum, count;

static void *take(void *arg) {
    sigset_t set = set_of(SIGRTMIN);
    for (;;) {
        siginfo_t info;
        check(sigwaitinfo(&set, &info) == SIGRTMIN);
        if (info.si_value.sival_int == 0)
            return arg;
        atomic_fetch_add(&sum, info.si_value.sival_int);
        atomic_fetch_add(&count, 1);
    }
}

BODY {
    block(SIGRTMIN);
    pthread_t threads[WAITERS];
    for (int i = 0; i < WAITERS; i++)
        threads[i] = spawn(take, NULL);
    for (int i = 1; i <= SIGNALS; i++)
        check(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}) == 0);
    for (int i = 0; i < WAITERS; i++)
        check(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 0}) == 0);
    for (int i = 0; i < WAITERS; i++)
        join(threads[i]);
    say("count %d, sum %d", count, sum);
    sigset_t pending;
    check(sigpending(&pending) == 0);
    say("pending %d", sigismember(&pending, SIGRTMIN));
}
