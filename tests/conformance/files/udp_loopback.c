/* UDP over loopback: datagrams keep their borders, several go by one call, and a receive timeout ends in EAGAIN, not
 * before its time.
 * calls: socket bind sendto recvfrom sendmsg recvmsg recvmmsg setsockopt */
#include "../crew.h"
#include "../pages.h"
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { CREW = 2, COUNT = 8, LENGTH = 5000 };
static struct sockaddr_in address[CREW];
static int sockets[CREW];
static byte *buffer[CREW];

static void work(int me) {
    int other = 1 - me, mine = sockets[me];
    struct sockaddr *to = (struct sockaddr *)&address[other];
    for (unsigned i = 0; i < COUNT; i++) {
        fill(buffer[me], LENGTH - i, i + 10 * (unsigned)me);
        check(sendto(mine, buffer[me], LENGTH - i, 0, to, sizeof address[0]) == (ssize_t)(LENGTH - i));
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        ssize_t n = recvfrom(mine, buffer[me], LENGTH, 0, (struct sockaddr *)&from, &length);
        check(n == (ssize_t)(LENGTH - i) && from.sin_port == address[other].sin_port);
        expect(buffer[me], n, i + 10 * (unsigned)other);
    }
    meet();
    struct mmsghdr messages[3];
    struct iovec parts[3][2];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < 3; i++) {
        byte *at = buffer[me] + 1000 * i;
        parts[i][0] = (struct iovec){at, 7};
        parts[i][1] = (struct iovec){at + 7, (size_t)(50 * (i + 1))};
        messages[i].msg_hdr = (struct msghdr){
            .msg_iov = parts[i], .msg_iovlen = 2, .msg_name = to, .msg_namelen = sizeof address[0]};
    }
    if (me == 0) {
        for (unsigned i = 0; i < 3; i++)
            fill(buffer[0] + 1000 * i, 7 + 50 * (i + 1), i);
        check(sendmmsg(mine, messages, 3, 0) == 3);
        meet();
    } else {
        meet();
        memset(buffer[1], 0, LENGTH);
        check(recvmmsg(mine, messages, 3, 0, NULL) == 3);
        for (unsigned i = 0; i < 3; i++) {
            check(messages[i].msg_len == 7 + 50 * (i + 1));
            expect(buffer[1] + 1000 * i, messages[i].msg_len, i);
        }
    }
    meet();
    struct timeval patience = {0, 50000};
    check(setsockopt(mine, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    double start = seconds_now();
    check(recv(mine, buffer[me], 1, 0) == -1 && errno == EAGAIN);
    check(seconds_now() - start > 0.045);
    check(recv(mine, buffer[me], 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
    meet();
}

BODY {
    for (int i = 0; i < CREW; i++) {
        buffer[i] = map_pages(2);
        sockets[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        address[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t length = sizeof address[i];
        check(bind(sockets[i], (struct sockaddr *)&address[i], length) == 0);
        check(getsockname(sockets[i], (struct sockaddr *)&address[i], &length) == 0);
    }
    crew(CREW, work);
    struct iovec part = {buffer[0], 3};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_name = &address[1], .msg_namelen = sizeof address[1]};
    check(sendmsg(sockets[0], &message, 0) == 3);
    part.iov_len = 2;
    message.msg_name = NULL;
    check(recvmsg(sockets[1], &message, 0) == 2 && message.msg_flags == MSG_TRUNC);
    say("%d datagrams each way", COUNT);
}
