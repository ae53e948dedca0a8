/* Signals of files: O_ASYNC with F_SETOWN and F_SETSIG tells which file became readable, to the process or one thread.
 * calls: fcntl
 * recalls: signal */
#include "signals.h"
#include <sys/socket.h>

static atomic_int handled;
static int fd_told, band_told;

static void on_io(int number, siginfo_t *info, void *context) {
    (void)context;
    if (number != SIGIO) {
        fd_told = info->si_fd;
        band_told = (int)info->si_band & 1; /* POLLIN */
    }
    atomic_fetch_add(&handled, 1);
}

BODY {
    int pair[2];
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    handle(SIGIO, on_io, SA_RESTART);
    handle(SIGRTMIN, on_io, SA_RESTART);
    struct f_owner_ex owner = {F_OWNER_TID, gettid()}, found;
    check(fcntl(pair[0], F_SETOWN_EX, &owner) == 0);
    check(fcntl(pair[0], F_GETOWN_EX, &found) == 0 && found.pid == gettid() && found.type == F_OWNER_TID);
    check(fcntl(pair[0], F_SETFL, O_ASYNC | O_NONBLOCK) == 0);
    check(write(pair[1], "x", 1) == 1);
    spin_until(&handled, 1);
    say("SIGIO");
    char c;
    check(read(pair[0], &c, 1) == 1);

    check(fcntl(pair[0], F_SETSIG, SIGRTMIN) == 0);
    int before = atomic_load(&handled);
    check(write(pair[1], "y", 1) == 1);
    spin_until(&handled, before + 1);
    say("own signal: fd %s, readable %d", fd_told == pair[0] ? "right" : "wrong", band_told);
}
