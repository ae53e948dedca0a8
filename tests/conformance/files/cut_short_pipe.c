/* One write to a pipe whose reader is slow writes everything, from one piece or from many, unless a handler runs or
 * the reader goes: then it tells how much it has written.
 * calls: write writev pipe2 fcntl
 * recalls: signal */
#include "cut_short.h"

enum { CREW = 2, MANY = 700 };
static const size_t LENGTH = 8 << 20;
static byte *block;
static int ends[2];
static pthread_t writer;
static atomic_int handled;

static void on_signal(int signal) {
    (void)signal;
    handled++;
}

static void work(int me) {
    static struct iovec vector[MANY];
    if (me == 0) {
        writer = pthread_self();
        fill(block, LENGTH, 3);
        int count = uneven(vector, MANY, block, LENGTH);
        meet();
        check(write(ends[1], block, LENGTH) == (ssize_t)LENGTH);
        check(writev(ends[1], vector, count) == (ssize_t)LENGTH);
        int size = fcntl(ends[1], F_GETPIPE_SZ);
        check(size > 0);
        meet();
        /* Nobody reads until the handler has run. */
        check(write(ends[1], block, LENGTH) == size && handled == 1);
        meet();
        /* Nobody ever reads: the reader goes. */
        check(write(ends[1], block, LENGTH) == size);
        check(write(ends[1], block, 1) == -1 && errno == EPIPE);
        return;
    }
    meet();
    read_slowly(ends[0], 0, LENGTH, 3);
    read_slowly(ends[0], 0, LENGTH, 3);
    int size = fcntl(ends[0], F_GETPIPE_SZ);
    meet();
    await_bytes(ends[0], size);
    sleep_ms(20);
    must(pthread_kill(writer, SIGUSR1));
    while (handled == 0)
        sleep_ms(1);
    read_slowly(ends[0], 0, (size_t)size, 3);
    meet();
    await_bytes(ends[0], size);
    sleep_ms(20);
    check(close(ends[0]) == 0);
}

BODY {
    block = map_pages(LENGTH / PAGE);
    signal(SIGPIPE, SIG_IGN);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    check(sigaction(SIGUSR1, &action, NULL) == 0);
    check(pipe2(ends, O_CLOEXEC) == 0);
    crew(CREW, work);
    say("written");
}
