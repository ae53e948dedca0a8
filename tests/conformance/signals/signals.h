/* What programs about signals share. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "../conform.h"

static inline void handle(int number, void (*handler)(int, siginfo_t *, void *), int flags) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigemptyset(&action.sa_mask);
    check(sigaction(number, &action, NULL) == 0);
}

static inline sigset_t set_of(int number) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    return set;
}

static inline void block(int number) {
    sigset_t set = set_of(number);
    must(pthread_sigmask(SIG_BLOCK, &set, NULL));
}

static inline void unblock(int number) {
    sigset_t set = set_of(number);
    must(pthread_sigmask(SIG_UNBLOCK, &set, NULL));
}

/* Keeps a signal that is sent to the process off the main thread: called by a constructor. */
static inline void block_in_main(int number) {
    sigset_t set = set_of(number);
    check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

/* Waits, computing, until *flag is at least `value`. */
static inline void spin_until(atomic_int *flag, int value) {
    double limit = seconds_now() + 20;
    while (atomic_load(flag) < value) {
        for (volatile int i = 0; i < 1000; i++)
            ;
        if (seconds_now() > limit)
            die("nothing comes: %d of %d", atomic_load(flag), value);
    }
}

#endif
