/* sigsuspend lets in what its mask allows, runs the handler, restores the mask, returns EINTR; pause likewise; what is
 * pending ends it at once; ping-pong between two threads by it loses nothing.
 * calls: rt_sigsuspend tkill
 * recalls: signal */
#include "signals.h"

enum { ROUNDS = 15 };

static atomic_int handled;
static _Thread_local int mine;
static pthread_t one, two;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    mine++;
    atomic_fetch_add(&handled, 1);
}

static bool blocked(int number) {
    sigset_t mask;
    must(pthread_sigmask(SIG_SETMASK, NULL, &mask));
    return sigismember(&mask, number) == 1;
}

static void wait_one(int rounds) {
    sigset_t none;
    sigemptyset(&none);
    while (mine < rounds)
        check(sigsuspend(&none) == -1 && errno == EINTR);
    check(blocked(SIGUSR1));
}

static void *pong(void *arg) {
    for (int i = 1; i <= ROUNDS; i++) {
        wait_one(i);
        must(pthread_kill(one, SIGUSR1));
    }
    return arg;
}

static void *wake(void *arg) {
    sleep_ms(30);
    must(pthread_kill(*(pthread_t *)arg, SIGUSR2));
    return NULL;
}

BODY {
    handle(SIGUSR1, on_signal, SA_RESTART);
    handle(SIGUSR2, on_signal, SA_RESTART);
    block(SIGUSR1);
    must(pthread_kill(pthread_self(), SIGUSR1));
    sigset_t none;
    sigemptyset(&none);
    check(handled == 0);
    check(sigsuspend(&none) == -1 && errno == EINTR);
    check(handled == 1 && blocked(SIGUSR1));
    say("pending: returned after %d", handled);

    one = pthread_self();
    pthread_t waker = spawn(wake, &one);
    check(pause() == -1 && errno == EINTR);
    join(waker);
    say("pause: returned after %d", handled);

    mine = 0;
    two = spawn(pong, NULL);
    for (int i = 1; i <= ROUNDS; i++) {
        must(pthread_kill(two, SIGUSR1));
        wait_one(i);
    }
    join(two);
    say("ping-pong: %d", handled);
}
