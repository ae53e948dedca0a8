/* Pipes between threads: a stream in order, full, empty, closed at either end, and writes of up to PIPE_BUF whole.
 * calls: pipe2 read write close fcntl ioctl poll */
#include "../crew.h"
#include "../pages.h"
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>

enum { CREW = 3, RECORDS = 60, RECORD = 512 };
static int ends[2];

static void work(int me) {
    if (me > 0) {
        /* Two writers, records as a whole. */
        byte record[RECORD];
        for (int i = 0; i < RECORDS; i++) {
            memset(record, me, sizeof record);
            record[1] = (byte)i;
            check(write(ends[1], record, sizeof record) == RECORD);
        }
        return;
    }
    int next[CREW] = {0};
    for (int i = 0; i < (CREW - 1) * RECORDS; i++) {
        byte record[RECORD];
        for (int got = 0; got < RECORD;) {
            ssize_t n = read(ends[0], record + got, (size_t)(RECORD - got));
            check(n > 0);
            got += (int)n;
        }
        int writer = record[0];
        check(writer > 0 && writer < CREW && record[1] == next[writer]++);
        for (int at = 2; at < RECORD; at++)
            check(record[at] == writer);
    }
}

BODY {
    _Static_assert(RECORD <= PIPE_BUF, "whole");
    check(pipe2(ends, O_CLOEXEC) == 0);
    crew(CREW, work);
    check(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    int size = fcntl(ends[1], F_SETPIPE_SZ, 16384);
    static byte block[4096];
    int written = 0;
    ssize_t n;
    while ((n = write(ends[1], block, sizeof block)) > 0)
        written += (int)n;
    int queued;
    check(errno == EAGAIN && written == size && ioctl(ends[0], FIONREAD, &queued) == 0 && queued == written);
    struct pollfd wait[2] = {{ends[0], POLLIN, 0}, {ends[1], POLLOUT, 0}};
    check(poll(wait, 2, 0) == 1 && wait[0].revents == POLLIN && wait[1].revents == 0);
    while ((n = read(ends[0], block, sizeof block)) > 0)
        written -= (int)n;
    check(errno == EAGAIN && written == 0);
    check(write(ends[1], "end", 3) == 3 && close(ends[1]) == 0);
    check(read(ends[0], block, sizeof block) == 3 && memcmp(block, "end", 3) == 0);
    check(read(ends[0], block, sizeof block) == 0);
    wait[1].fd = -1;
    check(poll(wait, 2, 1000) == 1 && wait[0].revents == POLLHUP);
    check(close(ends[0]) == 0 && pipe2(ends, 0) == 0);
    signal(SIGPIPE, SIG_IGN);
    check(close(ends[0]) == 0 && write(ends[1], "x", 1) == -1 && errno == EPIPE);
    say("capacity %d, %d records", size, (CREW - 1) * RECORDS);
}
