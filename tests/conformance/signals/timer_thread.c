/* SIGEV_THREAD: a function is called in a thread of its own for each expiry, with its value and its attributes.
 * calls: timer_create timer_settime timer_delete */
#include "signals.h"

static atomic_int calls, values;
static pthread_t creator;

static void notify(union sigval value) {
    check(!pthread_equal(pthread_self(), creator));
    size_t size;
    pthread_attr_t attr;
    must(pthread_getattr_np(pthread_self(), &attr));
    must(pthread_attr_getstacksize(&attr, &size));
    check(size >= 256 * 1024);
    compute_ms(1);
    atomic_fetch_add(&values, value.sival_int);
    atomic_fetch_add(&calls, 1);
}

BODY {
    creator = pthread_self();
    pthread_attr_t attr;
    must(pthread_attr_init(&attr));
    must(pthread_attr_setstacksize(&attr, 256 * 1024));
    struct sigevent event = {.sigev_notify = SIGEV_THREAD,
                             .sigev_notify_function = notify,
                             .sigev_notify_attributes = &attr,
                             .sigev_value.sival_int = 3};
    timer_t once, often;
    check(timer_create(CLOCK_MONOTONIC, &event, &once) == 0);
    struct itimerspec in_10_ms = {{0, 0}, {0, 10000000}}, every_10_ms = {{0, 10000000}, {0, 10000000}};
    check(timer_settime(once, 0, &in_10_ms, NULL) == 0);
    spin_until(&calls, 1);
    say("once: calls %d, values %d", calls, values);
    check(timer_settime(once, 0, &in_10_ms, NULL) == 0);
    spin_until(&calls, 2);
    say("again: calls %d, values %d", calls, values);
    check(timer_delete(once) == 0);

    event.sigev_value.sival_int = 1000;
    check(timer_create(CLOCK_MONOTONIC, &event, &often) == 0);
    check(timer_settime(often, 0, &every_10_ms, NULL) == 0);
    spin_until(&calls, 7);
    check(timer_delete(often) == 0);
    sleep_ms(30);
    int last = atomic_load(&calls);
    sleep_ms(30);
    check(atomic_load(&calls) == last);
    check(atomic_load(&values) == 6 + 1000 * (last - 2));
    say("often, then never again");
}
