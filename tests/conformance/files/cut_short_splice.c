/* One sendfile, copy_file_range or splice of what is there moves everything, to a slow reader too.
 * calls: sendfile copy_file_range splice */
#include "cut_short.h"
#include <sys/sendfile.h>
#include <sys/socket.h>

enum { CREW = 2 };
static const size_t LENGTH = 8 << 20;
static byte *block;
static int ends[2];

static void work(int me) {
    if (me > 0) {
        meet();
        read_slowly(ends[0], 1000, LENGTH - 1000, 5);
        meet();
        size_t held;
        check(read(ends[0], &held, sizeof held) == sizeof held);
        read_slowly(ends[0], 0, held, 5);
        return;
    }
    fill(block, LENGTH, 5);
    int from = scratch_file(), to = scratch_file(), pipes[2];
    write_all(from, block, LENGTH);
    meet();
    off_t at = 1000;
    check(sendfile(ends[1], from, &at, 2 * LENGTH) == (ssize_t)LENGTH - 1000 && at == (off_t)LENGTH);
    check(lseek(from, 0, SEEK_SET) == 0);
    for (int i = 0; i < 4; i++) {
        check(ftruncate(to, 0) == 0 && lseek(to, 0, SEEK_SET) == 0);
        at = 0;
        ssize_t n = i % 2 == 0 ? sendfile(to, from, &at, LENGTH) : copy_file_range(from, &at, to, NULL, LENGTH, 0);
        check(n == (ssize_t)LENGTH && at == (off_t)LENGTH && lseek(to, 0, SEEK_CUR) == (off_t)LENGTH);
        memset(block, 0, LENGTH);
        check(lseek(to, 0, SEEK_SET) == 0);
        read_all(to, block, LENGTH);
        expect(block, LENGTH, 5);
    }
    meet();
    check(pipe2(pipes, O_CLOEXEC) == 0);
    size_t held = (size_t)fcntl(pipes[1], F_SETPIPE_SZ, 1 << 20);
    if (held == (size_t)-1)
        held = (size_t)fcntl(pipes[1], F_GETPIPE_SZ);
    write_all(pipes[1], block, held);
    write_all(ends[1], &held, sizeof held);
    check(splice(pipes[0], NULL, ends[1], NULL, 2 * held, 0) == (ssize_t)held);
    write_all(pipes[1], block, held);
    loff_t offset = 77;
    check(splice(pipes[0], NULL, to, &offset, 2 * held, 0) == (ssize_t)held && offset == 77 + (loff_t)held);
}

BODY {
    block = map_pages(LENGTH / PAGE);
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    crew(CREW, work);
    say("moved");
}
