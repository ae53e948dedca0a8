/* TCP over loopback between threads: accept and connect, a long stream both ways with buffers that move, an orderly
 * end.
 * calls: socket bind listen accept4 connect sendto recvfrom getsockname setsockopt shutdown */
#include "../crew.h"
#include "../pages.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

enum { CREW = 3, LENGTH = 300000, PIECE = 20000 };
static struct sockaddr_in address;
static int listener;
static byte *out[CREW], *in[CREW];

static void converse(int me, int socket, unsigned mine, unsigned theirs) {
    size_t sent = 0, got = 0;
    while (sent < LENGTH || got < LENGTH) {
        if (sent < LENGTH) {
            size_t n = LENGTH - sent < PIECE ? LENGTH - sent : PIECE;
            fill(out[me], n, mine + (unsigned)(sent / PIECE));
            check(send(socket, out[me], n, MSG_NOSIGNAL) == (ssize_t)n);
            sent += n;
        }
        size_t n = LENGTH - got < PIECE ? LENGTH - got : PIECE;
        check(recv(socket, in[me], n, MSG_WAITALL) == (ssize_t)n);
        expect(in[me], n, theirs + (unsigned)(got / PIECE));
        got += n;
    }
    check(shutdown(socket, SHUT_WR) == 0);
    check(recv(socket, in[me], 1, 0) == 0);
    check(close(socket) == 0);
}

static void work(int me) {
    if (me == 0) {
        for (int i = 1; i < CREW; i++) {
            struct sockaddr_in peer;
            socklen_t length = sizeof peer;
            int socket = accept4(listener, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC);
            check(socket >= 0 && peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
            unsigned who;
            check(recv(socket, &who, sizeof who, MSG_WAITALL) == sizeof who);
            converse(0, socket, who * 1000, who * 2000);
        }
    } else {
        int socket_of = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
        check(socket_of >= 0);
        check(setsockopt(socket_of, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
        check(connect(socket_of, (struct sockaddr *)&address, sizeof address) == 0);
        unsigned who = (unsigned)me;
        check(send(socket_of, &who, sizeof who, 0) == sizeof who);
        converse(me, socket_of, who * 2000, who * 1000);
    }
}

BODY {
    for (int i = 0; i < CREW; i++) {
        out[i] = map_pages(PIECE / PAGE + 1);
        in[i] = map_pages(PIECE / PAGE + 1);
    }
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    check(bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 5) == 0);
    check(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    crew(CREW, work);
    check(close(listener) == 0);
    int none = socket(AF_INET, SOCK_STREAM, 0);
    check(connect(none, (struct sockaddr *)&address, sizeof address) == -1 && errno == ECONNREFUSED);
    say("%d bytes each way, %d times", LENGTH, CREW - 1);
}
