/* A forked process reads and writes the memory of this one with process_vm_readv and process_vm_writev, and it that
 * of the forked one.
 * calls: process_vm_readv
 * recalls: fork */
#include "../crew.h"
#include "../pages.h"
#include <sys/prctl.h>
#include <sys/uio.h>

enum { CREW = 3, PAGES = 6 };
static byte *area, *box;

static void transfer(pid_t pid, byte *local, byte *remote, size_t length, bool write) {
    /* In uneven pieces on both sides. */
    struct iovec here[2] = {{local, 1000}, {local + 1000, length - 1000}};
    struct iovec there[3] = {{remote, PAGE - 7}, {remote + PAGE - 7, 100}, {remote + PAGE + 93, length - PAGE - 93}};
    ssize_t n = write ? process_vm_writev(pid, here, 2, there, 3, 0) : process_vm_readv(pid, here, 2, there, 3, 0);
    check(n == (ssize_t)length);
}

static void work(int me) {
    for (int page = 0; page < PAGES; page++)
        if (page % CREW == me)
            fill(area + (size_t)page * PAGE, PAGE, (unsigned)page);
    meet();
    if (me == 0) {
        int pipes[2];
        check(pipe2(pipes, 0) == 0);
        pid_t parent = getpid(), pid = fork();
        check(pid >= 0);
        if (pid == 0) {
            char c;
            check(close(pipes[1]) == 0 && read(pipes[0], &c, 1) == 1);
            memset(area, 0, PAGES * PAGE);
            transfer(parent, box, area, PAGES * PAGE, false);
            for (int page = 0; page < PAGES; page++)
                expect(box + (size_t)page * PAGE, PAGE, (unsigned)(page + 100));
            fill(box, PAGES * PAGE, 200);
            transfer(parent, box, area, PAGES * PAGE, true);
            check(read(pipes[0], &c, 1) == 0);
            _exit(0);
        }
        check(prctl(PR_SET_PTRACER, pid, 0, 0, 0) == 0 || errno == EINVAL);
        meet();
        /* The others have filled the pages anew. */
        meet();
        check(write(pipes[1], "g", 1) == 1);
        byte last = pattern(200, PAGES * PAGE - 1);
        while (((volatile byte *)area)[PAGES * PAGE - 1] != last)
            sched_yield();
        memset(box, 0, PAGES * PAGE);
        transfer(pid, box, box, PAGES * PAGE, false);
        expect(box, PAGES * PAGE, 200);
        check(close(pipes[1]) == 0);
        int status;
        check(waitpid(pid, &status, 0) == pid && status == 0);
    } else {
        meet();
        for (int page = 0; page < PAGES; page++)
            if (page % (CREW - 1) == me - 1)
                fill(area + (size_t)page * PAGE, PAGE, (unsigned)(page + 100));
        meet();
    }
    meet();
    expect(area, PAGES * PAGE, 200);
    transfer(getpid(), box + (size_t)me * PAGES * PAGE, area, PAGES * PAGE, false);
    expect(box + (size_t)me * PAGES * PAGE, PAGES * PAGE, 200);
}

BODY {
    area = map_island(PAGES);
    box = map_island(PAGES * CREW);
    crew(CREW, work);
    say("transferred");
}
