/* The working directory and the file mode mask are one for all threads, until a thread has its own by unshare.
 * calls: chdir getcwd umask fchdir openat unshare */
#include "../crew.h"
#include "scratch.h"
#include <sys/stat.h>

enum { CREW = 3 };
static char dir[40], whole[4200], before[4096];

static mode_t mode_of(const char *name, int me) {
    char path[64];
    snprintf(path, sizeof path, "%s-%d", name, me);
    int file = openat(AT_FDCWD, path, O_CREAT | O_EXCL | O_WRONLY, 0777);
    struct stat state;
    check(file >= 0 && fstat(file, &state) == 0 && close(file) == 0 && unlink(path) == 0);
    return state.st_mode & 0777;
}

static void work(int me) {
    char here[4200];
    if (me == 0)
        check(chdir(dir) == 0);
    meet();
    check(getcwd(here, sizeof here) == here && strcmp(here, whole) == 0);
    meet();
    if (me == 1)
        check(umask(027) == 022);
    meet();
    check(mode_of("masked", me) == 0750);
    meet();
    if (me == 2) {
        /* From now on alone. */
        check(unshare(CLONE_FS) == 0);
        check(chdir("/") == 0 && umask(0) == 027);
        check(getcwd(here, sizeof here) == here && strcmp(here, "/") == 0);
    }
    meet();
    if (me != 2) {
        check(getcwd(here, sizeof here) == here && strcmp(here, whole) == 0);
        check(mode_of("still", me) == 0750);
    }
    meet();
    if (me == 0)
        check(chdir(before) == 0);
    meet();
    if (me == 1)
        check(umask(022) == 027);
}

BODY {
    umask(022);
    scratch_dir(dir);
    check(getcwd(before, sizeof before) == before);
    snprintf(whole, sizeof whole, "%s/%s", before, dir);
    crew(CREW, work);
    int start = open(".", O_RDONLY | O_DIRECTORY);
    check(start >= 0 && chdir(dir) == 0 && fchdir(start) == 0 && rmdir(dir) == 0);
    check(chdir("no such place") == -1 && errno == ENOENT);
    char tiny[2];
    check(getcwd(tiny, sizeof tiny) == NULL && errno == ERANGE);
    say("one place, one mask");
}
