/* Unix sockets between threads: several pieces by sendmsg and recvmsg, passed descriptors and credentials, kinds, and
 * half-closing.
 * calls: socketpair sendmsg recvmsg shutdown getsockopt */
#include "../crew.h"
#include "../pages.h"
#include "scratch.h"
#include <sys/socket.h>
#include <sys/uio.h>

enum { CREW = 2, LENGTH = 9000, ROUNDS = 5 };
static int stream[2], packet[2];
static byte *given;

static void send_file(int me, int file) {
    char room[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec parts[3] = {{given, 10}, {given + 10, 1}, {given + 11, LENGTH - 11}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3, .msg_control = room, .msg_controllen = sizeof room};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &file, sizeof file);
    check(sendmsg(packet[me], &message, 0) == LENGTH);
}

static int receive_file(int me, byte *to) {
    char room[CMSG_SPACE(sizeof(int))];
    struct iovec parts[2] = {{to, 5000}, {to + 5000, LENGTH - 5000}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = room, .msg_controllen = sizeof room};
    check(recvmsg(packet[me], &message, MSG_CMSG_CLOEXEC) == LENGTH && !(message.msg_flags & MSG_TRUNC));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    check(header != NULL && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int)));
    int file;
    memcpy(&file, CMSG_DATA(header), sizeof file);
    check(fcntl(file, F_GETFD) == FD_CLOEXEC);
    return file;
}

static void work(int me) {
    static byte back[LENGTH];
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (me == 0) {
            fill(given, LENGTH, round);
            int file = scratch_file();
            write_all(file, &round, sizeof round);
            send_file(me, file);
            check(close(file) == 0);
        } else {
            int file = receive_file(me, back);
            unsigned content;
            check(pread(file, &content, sizeof content, 0) == sizeof content && content == round);
            check(close(file) == 0);
            expect(back, LENGTH, round);
        }
        meet();
    }
    byte small[20];
    if (me == 0) {
        check(send(packet[0], given, 100, 0) == 100);
        check(send(stream[0], given, LENGTH, 0) == LENGTH);
        check(shutdown(stream[0], SHUT_WR) == 0);
        check(recv(stream[0], small, sizeof small, 0) == 3);
    } else {
        /* A packet too long is cut off and says so. */
        check(recv(packet[1], small, sizeof small, MSG_TRUNC) == 100);
        check(recv(stream[1], small, 10, MSG_PEEK) == 10);
        check(recv(stream[1], back, LENGTH, MSG_WAITALL) == LENGTH);
        expect(back, LENGTH, ROUNDS - 1);
        check(recv(stream[1], back, LENGTH, 0) == 0);
        check(send(stream[1], "end", 3, MSG_NOSIGNAL) == 3);
    }
    meet();
}

BODY {
    given = map_pages(3);
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) == 0);
    check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, packet) == 0);
    struct ucred peer;
    socklen_t length = sizeof peer;
    check(getsockopt(stream[0], SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0);
    check(peer.pid == getpid() && peer.uid == getuid());
    crew(CREW, work);
    say("%d descriptors passed", ROUNDS);
}
