/* One read of a device of memory or of random numbers gets everything, and one write to a terminal writes it.
 * calls: read readv pread64 preadv getrandom write */
#include "cut_short.h"
#include <sys/random.h>
#include <termios.h>

enum { CREW = 2, MANY = 300 };
static const size_t LENGTH = 16 << 20, LINES = 256 << 10;
static byte *block, *lines;
static int master, slave;

/* Random bytes are there up to the last page: that it is all zero is not to be expected. */
static void expect_random(void) {
    size_t other = 0;
    for (size_t at = LENGTH - PAGE; at < LENGTH; at++)
        other += block[at] != 0;
    check(other > PAGE / 2);
    memset(block, 0, LENGTH);
}

static void read_devices(void) {
    static struct iovec vector[MANY];
    int count = uneven(vector, MANY, block, LENGTH);
    int zero = open("/dev/zero", O_RDWR | O_CLOEXEC), random = open("/dev/urandom", O_RDWR | O_CLOEXEC);
    check(zero >= 0 && random >= 0);
    for (int i = 0; i < 4; i++) {
        memset(block, 1, LENGTH);
        ssize_t n = i == 0   ? read(zero, block, LENGTH)
                    : i == 1 ? readv(zero, vector, count)
                    : i == 2 ? pread(zero, block, LENGTH, 100)
                             : preadv(zero, vector, count, 100);
        check(n == (ssize_t)LENGTH);
        expect_zero(block, LENGTH);
    }
    check(read(random, block, LENGTH) == (ssize_t)LENGTH);
    expect_random();
    check(readv(random, vector, count) == (ssize_t)LENGTH);
    expect_random();
    check(getrandom(block, LENGTH, 0) == (ssize_t)LENGTH);
    expect_random();
    check(write(random, block, LENGTH) == (ssize_t)LENGTH);
}

static void work(int me) {
    if (me == 0) {
        read_devices();
        meet();
        check(write(slave, lines, LINES) == (ssize_t)LINES);
        return;
    }
    fill(lines, LINES, 6);
    meet();
    read_slowly(master, 0, LINES, 6);
}

BODY {
    block = map_pages(LENGTH / PAGE);
    lines = map_pages(LINES / PAGE);
    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    check(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios raw;
    check(slave >= 0 && tcgetattr(slave, &raw) == 0);
    cfmakeraw(&raw);
    check(tcsetattr(slave, TCSANOW, &raw) == 0);
    crew(CREW, work);
    say("read and written");
}
