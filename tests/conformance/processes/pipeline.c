/* A pipeline of processes between two threads: one writes 1 MiB, three children pass it on and change it, the other
 * reads it; each sees the end of file when the one before it ends. Writing to a pipe without readers fails.
 * calls: fork wait4 read write pipe2 */
#include "children.h"

enum { STAGES = 3, SIZE = 1 << 20, CHUNK = 6000 };

static int first, last;

static void pass_on(int from, int to, unsigned add) {
    unsigned char bytes[CHUNK];
    for (ssize_t got; (got = read(from, bytes, sizeof bytes)) != 0;) {
        check(got > 0);
        for (ssize_t i = 0; i < got; i++)
            bytes[i] = (unsigned char)(bytes[i] + add);
        write_all(to, bytes, (size_t)got);
    }
    _exit((int)add);
}

static void *produce(void *arg) {
    static unsigned char bytes[SIZE];
    for (unsigned i = 0; i < SIZE; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 4096);
    write_all(first, bytes, SIZE);
    check(close(first) == 0);
    return arg;
}

static void *consume(void *arg) {
    static unsigned char bytes[SIZE];
    check(read_all(last, bytes, SIZE));
    await_end_of_file(last);
    for (unsigned i = 0; i < SIZE; i++)
        check(bytes[i] == (unsigned char)(i * 7 + i / 4096 + 1 + 2 + 3));
    return arg;
}

BODY {
    int pipes[STAGES + 1][2];
    for (int i = 0; i <= STAGES; i++)
        make_pipe(pipes[i]);
    pid_t children[STAGES];
    for (int i = 0; i < STAGES; i++) {
        children[i] = split();
        if (children[i] != 0)
            continue;
        for (int p = 0; p <= STAGES; p++) {
            if (p != i)
                close(pipes[p][0]);
            if (p != i + 1)
                close(pipes[p][1]);
        }
        pass_on(pipes[i][0], pipes[i + 1][1], (unsigned)i + 1);
    }
    first = pipes[0][1];
    last = pipes[STAGES][0];
    for (int p = 0; p <= STAGES; p++) {
        if (p != STAGES)
            close(pipes[p][0]);
        if (p != 0)
            close(pipes[p][1]);
    }
    pthread_t producer = spawn(produce, NULL), consumer = spawn(consume, NULL);
    join(producer);
    join(consumer);
    for (int i = 0; i < STAGES; i++)
        check(end_of(children[i]) == i + 1);
    say("%d bytes through %d processes", SIZE, STAGES);
    int ends[2];
    make_pipe(ends);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    check(write(ends[1], "x", 1) == -1 && errno == EPIPE);
    signal(SIGPIPE, SIG_DFL);
    pid_t child = split();
    if (child == 0) {
        (void)!write(ends[1], "x", 1);
        _exit(0);
    }
    check(end_of(child) == 1000 + SIGPIPE);
    say("no reader: EPIPE, or death by SIGPIPE");
}
