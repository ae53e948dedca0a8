/* SysV shared memory between threads and a forked process, at addresses of its own in each, until it is removed.
 * calls: shmget shmat shmctl
 * recalls: fork unwatched-memory */
#include "../crew.h"
#include "../pages.h"
#include <sys/shm.h>

enum { CREW = 3, PAGES = 4 };
static byte *first, *second;
static int id;

static void work(int me) {
    fill(first + (size_t)me * PAGE, PAGE, (unsigned)me);
    meet();
    for (int page = 0; page < CREW; page++)
        expect(second + (size_t)page * PAGE, PAGE, (unsigned)page);
    meet();
    settle();
    if (me == 0) {
        pid_t pid = fork();
        check(pid >= 0);
        if (pid == 0) {
            byte *own = shmat(id, NULL, 0);
            check(own != (void *)-1);
            for (int page = 0; page < CREW; page++)
                expect(own + (size_t)page * PAGE, PAGE, (unsigned)page);
            fill(own + 3 * PAGE, PAGE, 30);
            check(shmdt(own) == 0);
            fill(first, PAGE, 31);
            _exit(0);
        }
        int status;
        check(waitpid(pid, &status, 0) == pid && status == 0);
    }
    meet();
    expect(second + 3 * PAGE, PAGE, 30);
    expect(second, PAGE, 31);
}

BODY {
    id = shmget(IPC_PRIVATE, PAGES * PAGE, IPC_CREAT | 0600);
    check(id >= 0);
    first = shmat(id, NULL, 0);
    second = shmat(id, NULL, SHM_RDONLY);
    struct shmid_ds state;
    check(shmctl(id, IPC_STAT, &state) == 0);
    /* From now on it is gone with its last user, whatever becomes of the program. */
    check(shmctl(id, IPC_RMID, NULL) == 0);
    check(first != (void *)-1 && second != (void *)-1);
    say("attached %d times, %zu bytes", (int)state.shm_nattch, (size_t)state.shm_segsz);
    crew(CREW, work);
    check(shmdt(second) == 0 && shmdt(first) == 0);
    check(shmdt(first) == -1 && errno == EINVAL);
}
