/* eventfd as counter and semaphore among threads; timerfd once, periodic and absolute, not before its time.
 * calls: eventfd2 timerfd_create timerfd_settime timerfd_gettime read write */
#include "../crew.h"
#include <sys/eventfd.h>
#include <sys/timerfd.h>

enum { CREW = 4, UNITS = 40 };
static int semaphore;
static _Atomic int got;

static void work(int me) {
    if (me == 0) {
        for (int i = 0; i < UNITS; i += 4)
            check(eventfd_write(semaphore, 4) == 0);
        return;
    }
    for (;;) {
        eventfd_t one;
        check(eventfd_read(semaphore, &one) == 0 && one == 1);
        int now = ++got;
        if (now == UNITS)
            check(eventfd_write(semaphore, CREW) == 0); /* the others shall end */
        if (now >= UNITS)
            return;
    }
}

BODY {
    semaphore = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
    check(semaphore >= 0);
    crew(CREW, work);
    int counter = eventfd(5, EFD_NONBLOCK);
    eventfd_t value;
    check(eventfd_write(counter, 6) == 0 && eventfd_read(counter, &value) == 0 && value == 11);
    check(eventfd_read(counter, &value) == -1 && errno == EAGAIN);
    check(write(counter, "short", 5) == -1 && errno == EINVAL);
    check(eventfd_write(counter, UINT64_MAX - 1) == 0 && eventfd_write(counter, 1) == -1 && errno == EAGAIN);

    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    struct itimerspec time = {{0, 5000000}, {0, 20000000}};
    double start = seconds_now();
    uint64_t count;
    check(timer >= 0 && timerfd_settime(timer, 0, &time, NULL) == 0);
    check(read(timer, &count, sizeof count) == sizeof count && count >= 1);
    check(seconds_now() - start > 0.0199);
    sleep_ms(30);
    check(read(timer, &count, sizeof count) == sizeof count && count >= 5);
    struct itimerspec left;
    check(timerfd_gettime(timer, &left) == 0 && left.it_interval.tv_nsec == 5000000 && left.it_value.tv_sec == 0);
    struct timespec now;
    check(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    time = (struct itimerspec){{0, 0}, {now.tv_sec - 1, now.tv_nsec}};
    check(timerfd_settime(timer, TFD_TIMER_ABSTIME, &time, NULL) == 0); /* past already */
    check(read(timer, &count, sizeof count) == sizeof count && count == 1);
    say("%d units", UNITS);
}
