/* A forked process has no DONTFORK pages, finds WIPEONFORK pages empty, and has copies of all others.
 * calls: madvise
 * recalls: fork */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 2, PAGES = 4 };
static byte *gone, *wiped, *kept;

static void work(int me) {
    if (me == 0) {
        fill(gone, PAGES * PAGE, 1);
        fill(wiped, PAGES * PAGE, 2);
        fill(kept, PAGES * PAGE, 3);
        check(madvise(gone, PAGES * PAGE, MADV_DONTFORK) == 0);
    }
    meet();
    if (me != 1)
        return;
    check(madvise(wiped, PAGES * PAGE, MADV_WIPEONFORK) == 0);
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0) {
        expect(kept, PAGES * PAGE, 3);
        expect_zero(wiped, PAGES * PAGE);
        check(fault_of_read(gone) == SIGSEGV && fault_code == SEGV_MAPERR);
        _exit(7);
    }
    int status;
    check(waitpid(pid, &status, 0) == pid);
    say("forked process: exited %d status %d", WIFEXITED(status), WEXITSTATUS(status));
    expect(gone, PAGES * PAGE, 1);
    expect(wiped, PAGES * PAGE, 2);
    expect(kept, PAGES * PAGE, 3);
}

BODY {
    catch_faults();
    gone = map_island(PAGES);
    wiped = map_island(PAGES);
    kept = map_island(PAGES);
    crew(CREW, work);
}
