/* MSG_ZEROCOPY over loopback: what is received is what was sent, and the kernel says when the pages may be used again.
 * calls: setsockopt sendto recvfrom recvmsg poll */
#include "../crew.h"
#include "../pages.h"
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#define MSG_ZEROCOPY 0x4000000
#endif

enum { CREW = 3, ROUNDS = 8, LENGTH = 8 * 4096 };
static int from, to;
static byte *out, *in;

/* Waits until the kernel has done with all sends up to the `sends`-th. */
static void await(unsigned sends) {
    static unsigned done;
    while (done < sends) {
        struct pollfd wait = {from, 0, 0};
        check(poll(&wait, 1, 600000) == 1 && wait.revents & POLLERR);
        char room[256];
        struct msghdr message = {.msg_control = room, .msg_controllen = sizeof room};
        if (recvmsg(from, &message, MSG_ERRQUEUE) < 0) {
            check(errno == EAGAIN);
            continue;
        }
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        check(header != NULL);
        uint32_t error[4]; /* errno, origin and kind, first, last */
        memcpy(error, CMSG_DATA(header), sizeof error);
        check(error[0] == 0 && (error[1] & 0xff) == 5 /* SO_EE_ORIGIN_ZEROCOPY */);
        memcpy(error, CMSG_DATA(header) + 8, 8);
        check(error[0] == done);
        done = error[1] + 1;
    }
}

static void work(int me) {
    for (unsigned round = 0; round < ROUNDS; round++) {
        /* The pages come from all threads. */
        for (int page = me; page < LENGTH / (int)PAGE; page += CREW)
            fill(out + (size_t)page * PAGE, PAGE, round * 16 + (unsigned)page);
        meet();
        if (me == 0) {
            check(send(from, out, LENGTH, MSG_ZEROCOPY) == LENGTH);
            await(round + 1);
        } else if (me == 1) {
            check(recv(to, in, LENGTH, MSG_WAITALL) == LENGTH);
        } else {
            /* Reading moves pages while they are sent. */
            for (int i = 0; i < 50; i++)
                expect(out + (size_t)(i % 8) * PAGE, 64, round * 16 + (unsigned)(i % 8));
        }
        meet();
        for (int page = 0; page < LENGTH / (int)PAGE; page++)
            expect(in + (size_t)page * PAGE, PAGE, round * 16 + (unsigned)page);
        meet();
    }
}

BODY {
    out = map_pages(LENGTH / PAGE);
    in = map_pages(LENGTH / PAGE);
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    check(bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 1) == 0);
    check(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    from = socket(AF_INET, SOCK_STREAM, 0);
    check(connect(from, (struct sockaddr *)&address, sizeof address) == 0);
    to = accept(listener, NULL, NULL);
    check(to >= 0);
    if (setsockopt(from, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof one) != 0) {
        say("no zero-copy here");
        return;
    }
    crew(CREW, work);
    say("%d sends", ROUNDS);
}
