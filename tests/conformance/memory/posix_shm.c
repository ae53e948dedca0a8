/* POSIX shared memory: made by one thread, opened by name by another and by a forked process, unlinked by a third.
 * calls: ftruncate mmap
 * recalls: fork unwatched-memory */
#include "../crew.h"
#include "../pages.h"
#include <sys/stat.h>

enum { CREW = 3, PAGES = 3 };
static byte *area[CREW];
static char name[64];

static byte *open_it(int flags) {
    int file = shm_open(name, O_RDWR | flags, 0600);
    check(file >= 0);
    if (flags & O_CREAT)
        check(ftruncate(file, PAGES * (off_t)PAGE) == 0);
    struct stat state;
    check(fstat(file, &state) == 0 && state.st_size == PAGES * (off_t)PAGE);
    byte *at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    check(at != MAP_FAILED && close(file) == 0);
    return at;
}

static void work(int me) {
    if (me == 0)
        area[0] = open_it(O_CREAT | O_EXCL);
    meet();
    if (me != 0)
        area[me] = open_it(0);
    fill(area[me] + (size_t)me * PAGE, PAGE, (unsigned)me);
    meet();
    if (me == 2) {
        pid_t pid = fork();
        check(pid >= 0);
        if (pid == 0) {
            byte *at = open_it(0);
            for (int page = 0; page < PAGES; page++)
                expect(at + (size_t)page * PAGE, PAGE, (unsigned)page);
            fill(at, PAGE, 77);
            _exit(0);
        }
        int status;
        check(waitpid(pid, &status, 0) == pid && status == 0);
        check(shm_unlink(name) == 0);
    }
    meet();
    expect(area[me], PAGE, 77);
    expect(area[me] + 2 * PAGE, PAGE, 2);
    check(shm_open(name, O_RDWR, 0) == -1 && errno == ENOENT);
    check(munmap(area[me], PAGES * PAGE) == 0);
}

BODY {
    snprintf(name, sizeof name, "/conform-%d-%lx", (int)getpid(), (unsigned long)time(NULL));
    crew(CREW, work);
    say("unlinked");
}
