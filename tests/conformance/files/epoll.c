/* epoll: level, edge and one-shot, data given back, changes by other threads while one waits, timeouts, and one event
 * for one waiter.
 * calls: epoll_create1 epoll_ctl epoll_pwait eventfd2 */
#include "../crew.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { CREW = 3, EVENTS = 30 };
static int poller, event;
static _Atomic int taken;

static void control(int what, int file, uint32_t events, uint64_t data) {
    struct epoll_event wanted = {.events = events, .data.u64 = data};
    check(epoll_ctl(poller, what, file, &wanted) == 0);
}

static int wait_for(struct epoll_event *got, int ms) {
    sigset_t none;
    sigemptyset(&none);
    return epoll_pwait(poller, got, 4, ms, &none);
}

static void work(int me) {
    struct epoll_event got[4];
    if (me == 0) {
        /* Each event wakes one waiter, which arms it anew. */
        for (int i = 0; i < EVENTS; i++) {
            check(eventfd_write(event, 1) == 0);
            while (taken <= i)
                sleep_ms(1);
        }
        taken = EVENTS + 1;
        control(EPOLL_CTL_MOD, event, EPOLLIN, 9);
        check(eventfd_write(event, 1) == 0);
        return;
    }
    for (;;) {
        int n = wait_for(got, -1);
        check(n == 1);
        if (got[0].data.u64 == 9)
            return;
        check(got[0].data.u64 == UINT64_C(0x123456789abcdef0) && got[0].events == EPOLLIN);
        eventfd_t count;
        check(eventfd_read(event, &count) == 0 && count == 1);
        /* Before the count: the writer goes on then. */
        control(EPOLL_CTL_MOD, event, EPOLLIN | EPOLLONESHOT, UINT64_C(0x123456789abcdef0));
        taken++;
    }
}

BODY {
    struct epoll_event got[4];
    poller = epoll_create1(EPOLL_CLOEXEC);
    event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    check(poller >= 0 && event >= 0);
    control(EPOLL_CTL_ADD, event, EPOLLIN | EPOLLET, 1);
    double start = seconds_now();
    check(wait_for(got, 20) == 0 && seconds_now() - start > 0.018);
    check(eventfd_write(event, 1) == 0);
    check(wait_for(got, 1000) == 1 && got[0].data.u64 == 1);
    check(wait_for(got, 0) == 0); /* no new edge */
    control(EPOLL_CTL_MOD, event, EPOLLIN, 2);
    check(wait_for(got, 0) == 1 && wait_for(got, 0) == 1 && got[0].data.u64 == 2);
    eventfd_t count;
    check(eventfd_read(event, &count) == 0);
    struct epoll_event twice = {.events = EPOLLIN};
    check(epoll_ctl(poller, EPOLL_CTL_ADD, event, &twice) == -1 && errno == EEXIST);
    control(EPOLL_CTL_MOD, event, EPOLLIN | EPOLLONESHOT, UINT64_C(0x123456789abcdef0));
    crew(CREW, work);
    check(epoll_ctl(poller, EPOLL_CTL_DEL, event, NULL) == 0 && wait_for(got, 0) == 0);
    check(epoll_ctl(poller, EPOLL_CTL_MOD, event, &twice) == -1 && errno == ENOENT);
    say("%d events", taken - 1);
}
