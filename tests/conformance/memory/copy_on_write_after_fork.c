/* After a fork from a child thread, neither process sees what the other writes, not even a process forked by the
 * forked one.
 * calls: pipe2
 * recalls: fork */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, PAGES = 12 };
static byte *area;
static long word = 1;

static void wait_for(pid_t pid) {
    int status;
    check(waitpid(pid, &status, 0) == pid);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void fork_once(void) {
    int to[2], from[2];
    char c = 'x';
    check(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0);
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0) {
        /* The parent has written everything anew by now. */
        check(read(to[0], &c, 1) == 1 && c == 'a');
        check(word == 1);
        for (int page = 0; page < PAGES; page++)
            expect(area + (size_t)page * PAGE, PAGE, (unsigned)page);
        word = 2;
        fill(area, PAGES * PAGE, 500);
        pid_t second = fork();
        check(second >= 0);
        if (second == 0) {
            expect(area, PAGES * PAGE, 500);
            fill(area, PAGES * PAGE, 600);
            _exit(word == 2 ? 0 : 1);
        }
        wait_for(second);
        expect(area, PAGES * PAGE, 500);
        check(write(from[1], "b", 1) == 1);
        _exit(0);
    }
    word = 3;
    fill(area, PAGES * PAGE, 700);
    check(write(to[1], "a", 1) == 1);
    check(read(from[0], &c, 1) == 1 && c == 'b');
    expect(area, PAGES * PAGE, 700);
    check(word == 3);
    wait_for(pid);
    check(close(to[0]) == 0 && close(to[1]) == 0 && close(from[0]) == 0 && close(from[1]) == 0);
}

static void work(int me) {
    for (int round = 0; round < CREW; round++) {
        /* Every page is written by another thread than in the last round. */
        for (int page = 0; page < PAGES; page++)
            if ((page + round) % CREW == me)
                fill(area + (size_t)page * PAGE, PAGE, (unsigned)page);
        if (me == 0)
            word = 1;
        settle();
        meet();
        if (round == me)
            fork_once();
        meet();
        expect(area, PAGES * PAGE, 700);
        meet();
    }
}

BODY {
    area = map_island(PAGES);
    crew(CREW, work);
    say("%d forks", CREW);
}
