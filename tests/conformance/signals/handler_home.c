/* A handler interrupts the main thread, sent by a child thread and by itself, while it computes and while it waits.
 * home: signals of the main thread */
#define BODY_AT_HOME
#include "signals.h"

static atomic_int handled, go;
static pthread_t main_thread;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    check(pthread_equal(pthread_self(), main_thread));
    atomic_fetch_add(&handled, 1);
}

static void *send(void *arg) {
    settle();
    for (int i = 0; i < 20; i++) {
        must(pthread_kill(main_thread, SIGUSR1));
        spin_until(&handled, i + 1);
    }
    spin_until(&go, 1);
    sleep_ms(20);
    must(pthread_kill(main_thread, SIGUSR1));
    return arg;
}

BODY {
    main_thread = pthread_self();
    handle(SIGUSR1, on_signal, 0);
    pthread_t sender = spawn(send, NULL);
    spin_until(&handled, 20);
    say("computing: %d", handled);
    atomic_store(&go, 1);
    struct timespec time = {1000, 0};
    check(nanosleep(&time, &time) == -1 && errno == EINTR);
    join(sender);
    say("sleeping: %d", handled);
    check(raise(SIGUSR1) == 0);
    say("raised: %d", handled);
}
