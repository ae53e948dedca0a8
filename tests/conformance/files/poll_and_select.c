/* poll, ppoll, select, pselect: what is ready, what is not, timeouts not before their time, and another thread that
 * ends a wait.
 * calls: poll ppoll select pselect6 */
#include "../crew.h"
#include <poll.h>
#include <sys/select.h>

enum { CREW = 2, WAYS = 4 };
static int ends[2];

/* Waits in one of four ways until the pipe is readable or `ms` have passed. */
static int wait_by(int way, int ms) {
    struct pollfd one = {ends[0], POLLIN, 0};
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    struct timeval old = {ms / 1000, ms % 1000 * 1000L};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    sigset_t none;
    sigemptyset(&none);
    int result = way == 0   ? poll(&one, 1, ms)
                 : way == 1 ? ppoll(&one, 1, &time, &none)
                 : way == 2 ? select(ends[0] + 1, &set, NULL, NULL, &old)
                            : pselect(ends[0] + 1, &set, NULL, NULL, &time, &none);
    if (way < 2)
        check(one.revents == (result ? POLLIN : 0));
    else
        check(!FD_ISSET(ends[0], &set) == !result);
    return result;
}

static void work(int me) {
    for (int way = 0; way < WAYS; way++) {
        if (me == 0) {
            double start = seconds_now();
            check(wait_by(way, 20) == 0);
            check(seconds_now() - start > 0.018);
            check(wait_by(way, 0) == 0);
            meet();
            char c;
            check(wait_by(way, 600000) == 1 && read(ends[0], &c, 1) == 1);
        } else {
            meet();
            sleep_ms(10);
            check(write(ends[1], "x", 1) == 1);
        }
        meet();
    }
}

BODY {
    check(pipe2(ends, O_CLOEXEC) == 0);
    crew(CREW, work);
    struct pollfd many[3] = {{ends[0], POLLIN, 0}, {ends[1], POLLOUT, 0}, {-1, POLLIN, 77}};
    check(poll(many, 3, 0) == 1 && many[0].revents == 0 && many[1].revents == POLLOUT && many[2].revents == 0);
    struct pollfd wrong = {999, POLLIN, 0};
    check(poll(&wrong, 1, 0) == 1 && wrong.revents == POLLNVAL);
    check(poll(NULL, 0, 5) == 0);
    say("%d ways", WAYS);
}
