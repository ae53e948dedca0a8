/* alarm and setitimer(ITIMER_REAL): signals while a thread computes and while it sleeps, what is left is told, a new one
 * replaces the old.
 * calls: setitimer getitimer
 * recalls: signal */
#include "signals.h"
#include <sys/time.h>

static atomic_int ticks;

static void on_tick(int number, siginfo_t *info, void *context) {
    (void)context;
    check(number == SIGALRM && info->si_code == SI_KERNEL);
    atomic_fetch_add(&ticks, 1);
}

/* A tick that is on its way when its timer stops shall not reach the main thread. */
__attribute__((constructor)) static void begin(void) {
    block_in_main(SIGALRM);
}

BODY {
    unblock(SIGALRM);
    handle(SIGALRM, on_tick, 0);
    struct itimerval every = {{0, 10000}, {0, 10000}}, once = {{0, 0}, {0, 20000}}, off = {{0, 0}, {0, 0}}, left;
    double before = seconds_now();
    check(setitimer(ITIMER_REAL, &every, NULL) == 0);
    spin_until(&ticks, 4);
    check(seconds_now() - before >= 0.04);
    check(setitimer(ITIMER_REAL, &off, &left) == 0);
    check(left.it_interval.tv_usec == 10000 && left.it_value.tv_sec == 0);
    say("ticks while computing");

    atomic_store(&ticks, 0);
    check(setitimer(ITIMER_REAL, &once, NULL) == 0);
    spin_until(&ticks, 1);
    sleep_ms(40);
    check(atomic_load(&ticks) == 1);
    check(getitimer(ITIMER_REAL, &left) == 0);
    check(left.it_value.tv_sec == 0 && left.it_value.tv_usec == 0);
    say("one tick");

    check(alarm(1000) == 0);
    unsigned rest = alarm(500);
    check(rest > 900 && rest <= 1000);
    check(setitimer(ITIMER_REAL, &off, &left) == 0);
    check(left.it_value.tv_sec > 400 && left.it_value.tv_sec <= 500);
    check(alarm(0) == 0);
    say("replaced");

    before = seconds_now();
    check(alarm(1) == 0);
    atomic_store(&ticks, 0);
    spin_until(&ticks, 1);
    check(seconds_now() - before >= 0.9);
    say("alarm");
    struct itimerval bad = {{0, 0}, {0, 1000000}};
    check(setitimer(ITIMER_REAL, &bad, NULL) == -1);
    say("bad time: %s", strerror(errno));
}
