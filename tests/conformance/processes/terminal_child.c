/* A child with a terminal of its own: what is typed arrives, the interrupt character signals its foreground group, a
 * change of size is told, and the end of the session is seen as a hang-up.
 * calls: fork wait4 ioctl read write */
#include "children.h"

#include <sys/ioctl.h>
#include <termios.h>

static volatile sig_atomic_t interrupts, resizes;

static void on_signal(int signal) {
    if (signal == SIGINT)
        interrupts++;
    else
        resizes++;
}

static void child_with_terminal(int master, int said) {
    check(setsid() == getpid());
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    check(slave >= 0 && isatty(slave));
    close(master);
    check(ioctl(slave, TIOCSCTTY, 0) == 0);
    check(tcgetpgrp(slave) == getpid() && tcgetsid(slave) == getpid());
    check(open("/dev/tty", O_RDWR | O_CLOEXEC) >= 0);
    struct sigaction act = {.sa_handler = on_signal};
    check(sigaction(SIGINT, &act, NULL) == 0 && sigaction(SIGWINCH, &act, NULL) == 0);
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGWINCH);
    must(pthread_sigmask(SIG_BLOCK, &blocked, &before));
    write_all(said, "r", 1);
    char line[32] = "";
    check(read(slave, line, sizeof line) == 5 && !memcmp(line, "word\n", 5));
    write_all(said, "w", 1);
    while (!interrupts)
        sigsuspend(&before);
    write_all(said, "i", 1);
    while (!resizes)
        sigsuspend(&before);
    struct winsize size;
    check(ioctl(slave, TIOCGWINSZ, &size) == 0 && size.ws_row == 33 && size.ws_col == 77);
    write_all(slave, "bye\n", 4);
    write_all(said, "s", 1);
    for (;;)
        pause();
}

static void expect(int fd, char what) {
    char byte;
    check(read_all(fd, &byte, 1) && byte == what);
}

BODY {
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    check(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    struct termios modes;
    check(tcgetattr(master, &modes) == 0);
    modes.c_lflag &= (tcflag_t)~ECHO;
    check(tcsetattr(master, TCSANOW, &modes) == 0);
    int ends[2];
    make_pipe(ends);
    pid_t child = split();
    if (child == 0)
        child_with_terminal(master, ends[1]);
    close(ends[1]);
    expect(ends[0], 'r');
    write_all(master, "word\n", 5);
    expect(ends[0], 'w');
    write_all(master, "\003", 1);
    expect(ends[0], 'i');
    struct winsize size = {.ws_row = 33, .ws_col = 77};
    check(ioctl(master, TIOCSWINSZ, &size) == 0);
    expect(ends[0], 's');
    char text[16] = "";
    check(read_all(master, text, 5) && !strcmp(text, "bye\r\n"));
    close(master);
    say("the terminal's end killed its child by %s", end_of(child) == 1000 + SIGHUP ? "SIGHUP" : "something else");
}
