/* Many signals at once: two threads send to two that compute, as fast as they can; every real-time one is handled once,
 * with its value.
 * calls: rt_tgsigqueueinfo
 * recalls: signal */
#include "signals.h"

enum { SENDERS = 2, TARGETS = 2, EACH = 60 };

static atomic_int handled;
static atomic_long sum;
static atomic_int tids[TARGETS];

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    atomic_fetch_add(&sum, info->si_value.sival_int);
    atomic_fetch_add(&handled, 1);
}

static void *compute(void *arg) {
    atomic_store((atomic_int *)arg, gettid());
    while (atomic_load(&handled) < SENDERS * TARGETS * EACH)
        ;
    return NULL;
}

static void *send(void *arg) {
    for (int i = 0; i < EACH; i++)
        for (int j = 0; j < TARGETS; j++) {
            siginfo_t info = {.si_signo = SIGRTMIN, .si_code = SI_QUEUE};
            info.si_pid = getpid();
            info.si_value.sival_int = i;
            check(syscall(SYS_rt_tgsigqueueinfo, getpid(), tids[j], SIGRTMIN, &info) == 0);
        }
    return arg;
}

BODY {
    handle(SIGRTMIN, on_signal, 0);
    pthread_t targets[TARGETS], senders[SENDERS];
    for (int i = 0; i < TARGETS; i++) {
        targets[i] = spawn(compute, &tids[i]);
        spin_until(&tids[i], 1);
    }
    settle();
    for (int i = 0; i < SENDERS; i++)
        senders[i] = spawn(send, NULL);
    for (int i = 0; i < SENDERS; i++)
        join(senders[i]);
    for (int i = 0; i < TARGETS; i++)
        join(targets[i]);
    say("handled %d, sum %ld", handled, sum);
}
