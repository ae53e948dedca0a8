/* Cancellation of threads that block in calls on files, pipes and sockets, or come to them with it pending.
 * calls: pipe socket bind listen write */
#include "cancel.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static int empty[2], full[2], listening, epoll, pair[2];

static void in_read(void) {
    char c;
    read(empty[0], &c, 1);
}

static void in_readv(void) {
    char c;
    struct iovec part = {&c, 1};
    readv(empty[0], &part, 1);
}

static void in_write(void) {
    char c = 0;
    write(full[1], &c, 1);
}

static void in_poll(void) {
    struct pollfd fd = {.fd = empty[0], .events = POLLIN};
    poll(&fd, 1, -1);
}

static void in_poll_timed(void) {
    struct pollfd fd = {.fd = empty[0], .events = POLLIN};
    poll(&fd, 1, 100000);
}

static void in_select(void) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(empty[0], &set);
    select(empty[0] + 1, &set, NULL, NULL, NULL);
}

static void in_pselect(void) {
    struct timespec time = {100, 0};
    pselect(0, NULL, NULL, NULL, &time, NULL);
}

static void in_epoll_wait(void) {
    struct epoll_event event;
    epoll_wait(epoll, &event, 1, -1);
}

static void in_accept(void) { accept(listening, NULL, NULL); }

static void in_recv(void) {
    char c;
    recv(pair[0], &c, 1, 0);
}

static void in_recvmsg(void) {
    char c;
    struct iovec part = {&c, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    recvmsg(pair[0], &message, 0);
}

BODY {
    check(pipe(empty) == 0 && pipe(full) == 0);
    check(fcntl(full[1], F_SETFL, O_NONBLOCK) == 0);
    char filler[PAGE] = {0};
    while (write(full[1], filler, sizeof filler) > 0)
        ;
    check(errno == EAGAIN);
    check(fcntl(full[1], F_SETFL, 0) == 0);
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    listening = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX}; /* an address of the kernel's choice */
    check(bind(listening, (struct sockaddr *)&address, sizeof(sa_family_t)) == 0);
    check(listen(listening, 1) == 0);
    epoll = epoll_create1(0);
    check(epoll >= 0);

    cancel_in("read", in_read);
    cancel_in("readv", in_readv);
    cancel_in("write to a full pipe", in_write);
    cancel_in("poll", in_poll);
    cancel_in("poll with time", in_poll_timed);
    cancel_in("select", in_select);
    cancel_in("pselect", in_pselect);
    cancel_in("epoll_wait", in_epoll_wait);
    cancel_in("accept", in_accept);
    cancel_in("recv", in_recv);
    cancel_in("recvmsg", in_recvmsg);

    /* Nothing was read or written by those that were cancelled. */
    check(fcntl(empty[0], F_SETFL, O_NONBLOCK) == 0);
    char c;
    check(read(empty[0], &c, 1) == -1 && errno == EAGAIN);
    long left = 0;
    close(full[1]);
    for (ssize_t n; (n = read(full[0], filler, sizeof filler)) > 0;)
        left += n;
    check(left % (long)PAGE == 0);
}
