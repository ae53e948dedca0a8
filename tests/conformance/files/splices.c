/* sendfile, splice, tee and vmsplice move the bytes that other threads wrote.
 * calls: sendfile splice tee vmsplice pipe2 */
#include "../crew.h"
#include "../pages.h"
#include "scratch.h"
#include <sys/sendfile.h>
#include <sys/uio.h>

enum { CREW = 3, LENGTH = 3 * 4096 };
static byte *buffer[CREW];

static void work(int me) {
    byte *mine = buffer[(me + 1) % CREW], *back = map_pages(3);
    fill(buffer[me], LENGTH, (unsigned)me);
    meet();
    unsigned seed = (unsigned)((me + 1) % CREW);
    int from = scratch_file(), to = scratch_file(), pipes[2], second[2];
    check(pipe2(pipes, O_CLOEXEC) == 0 && pipe2(second, O_CLOEXEC) == 0);
    write_all(from, mine, LENGTH);
    off_t at = 1000;
    check(sendfile(to, from, &at, LENGTH - 1000) == LENGTH - 1000 && at == LENGTH);
    check(pread(to, back, LENGTH, 0) == LENGTH - 1000);
    check(memcmp(back, mine + 1000, LENGTH - 1000) == 0);

    loff_t offset = 0;
    check(splice(from, &offset, pipes[1], NULL, LENGTH, 0) == LENGTH);
    check(tee(pipes[0], second[1], LENGTH, 0) == LENGTH);
    read_all(pipes[0], back, LENGTH);
    expect(back, LENGTH, seed);
    offset = 50;
    check(splice(second[0], NULL, to, &offset, LENGTH, 0) == LENGTH);
    memset(back, 0, LENGTH);
    check(pread(to, back, LENGTH, 50) == LENGTH);
    expect(back, LENGTH, seed);

    /* The pipe refers to the pages themselves; they are not written before they are read. */
    struct iovec vector[2] = {{mine, 5000}, {mine + 5000, LENGTH - 5000}};
    check(vmsplice(pipes[1], vector, 2, 0) == LENGTH);
    memset(back, 0, LENGTH);
    read_all(pipes[0], back, LENGTH);
    expect(back, LENGTH, seed);
    struct iovec into = {back, LENGTH};
    write_all(pipes[1], mine, 6000);
    check(vmsplice(pipes[0], &into, 1, 0) == 6000);
    expect(back, 6000, seed);
    check(splice(from, NULL, to, NULL, 10, 0) == -1 && errno == EINVAL);
    for (int i = 0; i < 2; i++)
        check(close(pipes[i]) == 0 && close(second[i]) == 0);
    check(close(from) == 0 && close(to) == 0);
    meet();
}

BODY {
    for (int i = 0; i < CREW; i++)
        buffer[i] = map_pages(3);
    crew(CREW, work);
    say("moved");
}
