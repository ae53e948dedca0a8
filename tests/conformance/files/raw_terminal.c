/* A pseudo-terminal of its own: line mode with echo and erase, raw mode, window size, and threads at both ends.
 * calls: ioctl read write openat */
#include "../crew.h"
#include "scratch.h"
#include <sys/ioctl.h>
#include <termios.h>

enum { CREW = 2, LENGTH = 2000 };
static int keyboard, terminal;

static void expect_text(int from, const char *text) {
    char back[64];
    size_t length = strlen(text);
    read_all(from, back, length);
    if (memcmp(back, text, length) != 0)
        die("'%.*s', not '%s'", (int)length, back, text);
}

static void work(int me) {
    char block[LENGTH];
    if (me == 0) {
        for (int i = 0; i < LENGTH; i++)
            block[i] = (char)(i * 7);
        write_all(keyboard, block, LENGTH);
        read_all(keyboard, block, LENGTH);
        for (int i = 0; i < LENGTH; i++)
            check(block[i] == (char)(i * 7 + 1));
    } else {
        for (int done = 0; done < LENGTH;) {
            ssize_t n = read(terminal, block, 100);
            check(n > 0);
            for (int i = 0; i < n; i++)
                check(block[i] == (char)((done + i) * 7));
            for (int i = 0; i < n; i++)
                block[i]++;
            write_all(terminal, block, (size_t)n);
            done += (int)n;
        }
    }
}

BODY {
    keyboard = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    check(keyboard >= 0 && grantpt(keyboard) == 0 && unlockpt(keyboard) == 0);
    char name[64];
    check(ptsname_r(keyboard, name, sizeof name) == 0);
    terminal = openat(AT_FDCWD, name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    check(terminal >= 0 && isatty(terminal) && !isatty(open("/dev/null", O_RDONLY)));
    write_all(keyboard, "helpp\177\n", 7);
    expect_text(terminal, "help\n");
    expect_text(keyboard, "helpp\b \b\r\n");
    write_all(terminal, "out\n", 4);
    expect_text(keyboard, "out\r\n");
    struct winsize size = {25, 81, 0, 0}, got;
    check(ioctl(keyboard, TIOCSWINSZ, &size) == 0 && ioctl(terminal, TIOCGWINSZ, &got) == 0);
    check(got.ws_row == 25 && got.ws_col == 81);
    struct termios mode;
    check(tcgetattr(terminal, &mode) == 0 && mode.c_lflag & ICANON);
    cfmakeraw(&mode);
    check(tcsetattr(terminal, TCSANOW, &mode) == 0);
    crew(CREW, work);
    check(close(terminal) == 0);
    char c;
    check(read(keyboard, &c, 1) == -1 && errno == EIO);
    say("%d bytes raw each way", LENGTH);
}
