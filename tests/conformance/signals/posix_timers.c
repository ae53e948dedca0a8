/* timer_create with SIGEV_SIGNAL, SIGEV_THREAD_ID and SIGEV_NONE: values, periods, absolute times, what is left, the
 * overruns of a period that nobody handles.
 * calls: timer_create timer_settime timer_getoverrun timer_delete
 * recalls: signal */
#include "signals.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id __sev_fields.sigev_notify_thread_id
#endif

static atomic_int ticks, values;
static pthread_t expected;

static void on_tick(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    check(info->si_code == SI_TIMER);
    if (expected)
        check(pthread_equal(pthread_self(), expected));
    atomic_fetch_add(&values, info->si_value.sival_int);
    atomic_fetch_add(&ticks, 1);
}

/* A tick that is on its way when its timer stops shall not reach the main thread. */
__attribute__((constructor)) static void begin(void) {
    block_in_main(SIGRTMIN + 2);
}

BODY {
    unblock(SIGRTMIN + 2);
    handle(SIGRTMIN + 2, on_tick, 0);
    struct itimerspec every = {{0, 5000000}, {0, 5000000}}, once = {{0, 0}, {0, 20000000}}, off = {{0, 0}, {0, 0}}, now;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2, .sigev_value.sival_int = 100};
    timer_t timer;
    check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    check(timer_settime(timer, 0, &every, NULL) == 0);
    spin_until(&ticks, 5);
    check(timer_settime(timer, 0, &off, &now) == 0);
    check(now.it_interval.tv_nsec == 5000000);
    check(values == 100 * ticks);
    check(timer_delete(timer) == 0);
    say("periodic");

    expected = pthread_self();
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_notify_thread_id = gettid();
    check(timer_create(CLOCK_REALTIME, &event, &timer) == 0);
    atomic_store(&ticks, 0);
    struct itimerspec at = {{0, 0}, {0, 0}};
    check(clock_gettime(CLOCK_REALTIME, &at.it_value) == 0);
    at.it_value.tv_nsec += 20000000;
    if (at.it_value.tv_nsec >= 1000000000) {
        at.it_value.tv_nsec -= 1000000000;
        at.it_value.tv_sec++;
    }
    check(timer_settime(timer, TIMER_ABSTIME, &at, NULL) == 0);
    spin_until(&ticks, 1);
    struct timespec after;
    check(clock_gettime(CLOCK_REALTIME, &after) == 0);
    check(after.tv_sec > at.it_value.tv_sec ||
          (after.tv_sec == at.it_value.tv_sec && after.tv_nsec >= at.it_value.tv_nsec));
    say("absolute, to the thread: %d", ticks);

    block(SIGRTMIN + 2);
    check(timer_settime(timer, 0, &every, NULL) == 0);
    sleep_ms(60);
    sigset_t set = set_of(SIGRTMIN + 2);
    siginfo_t info;
    struct timespec zero = {0, 0};
    check(sigtimedwait(&set, &info, &zero) == SIGRTMIN + 2);
    check(info.si_overrun >= 5);
    check(timer_getoverrun(timer) >= 5);
    check(timer_settime(timer, 0, &off, NULL) == 0);
    check(timer_delete(timer) == 0);
    say("overruns");

    event.sigev_notify = SIGEV_NONE;
    check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    check(timer_settime(timer, 0, &once, NULL) == 0);
    check(timer_gettime(timer, &now) == 0 && now.it_value.tv_nsec > 0 && now.it_value.tv_nsec <= 20000000);
    sleep_ms(30);
    check(timer_gettime(timer, &now) == 0 && now.it_value.tv_nsec == 0 && now.it_value.tv_sec == 0);
    check(timer_delete(timer) == 0);
    say("none");
}
