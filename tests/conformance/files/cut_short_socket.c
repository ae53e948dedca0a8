/* One send to a socket whose reader is slow sends everything, and one receive that waits for all (MSG_WAITALL) gets it,
 * from and to one piece or many, unless its time is over; recvmmsg and sendmmsg do it with all their messages.
 * calls: sendto sendmsg recvfrom recvmsg sendmmsg recvmmsg writev socketpair */
#include "cut_short.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { CREW = 2, MANY = 400, MESSAGES = 48, MESSAGE = 1000 };
static const size_t LENGTH = 4 << 20;
static byte *block, *back;
static int ends[2], packets[2], tcp[2];

static void connect_tcp(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(listener >= 0 && bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 1) == 0);
    check(getsockname(listener, (struct sockaddr *)&at, &length) == 0);
    tcp[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(tcp[1] >= 0 && connect(tcp[1], (struct sockaddr *)&at, sizeof at) == 0);
    tcp[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    check(tcp[0] >= 0 && close(listener) == 0);
}

/* The messages of a call, each of `MESSAGE` bytes of `from`. */
static void lay_out(struct mmsghdr *messages, struct iovec *vector, byte *from) {
    for (int i = 0; i < MESSAGES; i++) {
        vector[i] = (struct iovec){from + (size_t)i * MESSAGE, MESSAGE};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &vector[i], .msg_iovlen = 1}};
    }
}

static void send_all(int to, const struct iovec *vector, int count) {
    check(send(to, block, LENGTH, MSG_NOSIGNAL) == (ssize_t)LENGTH);
    struct msghdr message = {.msg_iov = (struct iovec *)vector, .msg_iovlen = count};
    check(sendmsg(to, &message, 0) == (ssize_t)LENGTH);
    check(writev(to, vector, count) == (ssize_t)LENGTH);
    /* Little by little, for those who wait for all. */
    for (size_t done = 0; done < 2 * LENGTH; done += LENGTH / 16) {
        write_all(to, block + done % LENGTH, LENGTH / 16);
        compute_ms(1);
    }
}

static void receive_all(int from, struct iovec *vector, int count) {
    for (int i = 0; i < 3; i++)
        read_slowly(from, 0, LENGTH, 4);
    check(recv(from, back, LENGTH, MSG_WAITALL) == (ssize_t)LENGTH);
    expect(back, LENGTH, 4);
    memset(back, 0, LENGTH);
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = count};
    check(recvmsg(from, &message, MSG_WAITALL) == (ssize_t)LENGTH);
    expect(back, LENGTH, 4);
}

static void work(int me) {
    static struct iovec vectors[CREW][MANY];
    static struct mmsghdr messages[CREW][MESSAGES];
    struct iovec *vector = vectors[me];
    int count = uneven(vector, MANY, me == 0 ? block : back, LENGTH);
    if (me == 0)
        fill(block, LENGTH, 4);
    meet();
    if (me == 0) {
        send_all(ends[1], vector, count);
        send_all(tcp[1], vector, count);
    } else {
        receive_all(ends[0], vector, count);
        receive_all(tcp[0], vector, count);
    }
    meet();
    if (me == 0) {
        /* Nobody reads: its time runs out. */
        struct timeval patience = {0, 200000};
        check(setsockopt(ends[1], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0);
        ssize_t n = send(ends[1], block, LENGTH, 0);
        check(n > 0 && n < (ssize_t)LENGTH);
        check(send(ends[1], block, LENGTH, 0) == -1 && errno == EAGAIN);
    }
    lay_out(messages[me], vector, me == 0 ? block : back);
    if (me == 0) {
        /* musl makes many calls of it. */
        check(syscall(SYS_sendmmsg, packets[1], messages[me], MESSAGES, 0) == MESSAGES);
        for (int i = 0; i < MESSAGES; i++) {
            check(messages[me][i].msg_len == MESSAGE);
            check(send(packets[1], block + (size_t)i * MESSAGE, MESSAGE, 0) == MESSAGE);
            compute_ms(1);
        }
        return;
    }
    for (int i = 0; i < MESSAGES; i++) {
        check(recv(packets[0], back, MESSAGE, 0) == MESSAGE);
        check(memcmp(back, block + (size_t)i * MESSAGE, MESSAGE) == 0);
        compute_ms(1);
    }
    memset(back, 0, LENGTH);
    check(recvmmsg(packets[0], messages[me], MESSAGES, 0, NULL) == MESSAGES);
    expect(back, MESSAGES * MESSAGE, 4);
}

BODY {
    block = map_pages(LENGTH / PAGE);
    back = map_pages(LENGTH / PAGE);
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    check(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, packets) == 0);
    connect_tcp();
    crew(CREW, work);
    say("sent and received");
}
