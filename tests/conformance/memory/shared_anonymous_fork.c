/* Shared anonymous memory is shared with a forked process: both add to one counter, and each sees the other's pages.
 * calls: mmap
 * recalls: fork unwatched-memory */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 2, PAGES = 4, ROUNDS = 2000 };
struct shared {
    _Atomic long counter;
    _Atomic int turn;
    byte pages[PAGES][4096];
};
static struct shared *shared;
static long private_word = 5;

static void work(int me) {
    if (me == 1) {
        for (int i = 0; i < ROUNDS; i++)
            shared->counter++;
        return;
    }
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0) {
        for (int i = 0; i < ROUNDS; i++)
            shared->counter++;
        private_word = 6;
        fill(shared->pages[0], PAGE, 1);
        shared->turn = 1;
        while (shared->turn != 2)
            sched_yield();
        expect(shared->pages[1], PAGE, 2);
        _exit(private_word == 6 ? 0 : 1);
    }
    while (shared->turn != 1)
        sched_yield();
    expect(shared->pages[0], PAGE, 1);
    fill(shared->pages[1], PAGE, 2);
    shared->turn = 2;
    int status;
    check(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    say("forked process ends with %d", WEXITSTATUS(status));
}

BODY {
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(shared != MAP_FAILED);
    crew(CREW, work);
    say("counter %ld, private %ld", shared->counter, private_word);
}
