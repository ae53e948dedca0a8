/* Limits set by one thread hold for all: files open, address space, file size, and none is raised beyond the hard one.
 * calls: prlimit64 openat mmap */
#include "../crew.h"
#include "../pages.h"
#include "scratch.h"
#include <sys/resource.h>

enum { CREW = 2 };

static void set(int what, rlim_t soft) {
    struct rlimit limit;
    check(getrlimit(what, &limit) == 0);
    limit.rlim_cur = soft;
    check(setrlimit(what, &limit) == 0);
    check(getrlimit(what, &limit) == 0 && limit.rlim_cur == soft);
}

static void work(int me) {
    if (me == 0)
        set(RLIMIT_NOFILE, 64);
    meet();
    if (me == 1) {
        int opened = 0, file, files[64];
        while ((file = openat(AT_FDCWD, "/dev/null", O_RDONLY)) >= 0)
            files[opened++] = file;
        check(errno == EMFILE && opened > 0 && files[opened - 1] == 63);
        while (opened > 0)
            check(close(files[--opened]) == 0);
        set(RLIMIT_FSIZE, 5000);
    }
    meet();
    if (me == 0) {
        signal(SIGXFSZ, SIG_IGN);
        int file = scratch_file();
        byte block[4000] = {0};
        check(write(file, block, sizeof block) == sizeof block);
        check(write(file, block, sizeof block) == 1000);
        check(write(file, block, sizeof block) == -1 && errno == EFBIG);
        check(ftruncate(file, 6000) == -1 && errno == EFBIG);
        check(close(file) == 0);
    }
    meet();
    if (me == 1) {
        struct rlimit limit = {10, 5};
        check(setrlimit(RLIMIT_NOFILE, &limit) == -1 && errno == EINVAL);
        check(getrlimit(99, &limit) == -1 && errno == EINVAL);
        check(getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur > 0);
    }
    meet();
}

BODY {
    crew(CREW, work);
    /* Room for little more than there is: a big mapping fails, a small one does not. */
    struct rlimit space;
    check(getrlimit(RLIMIT_AS, &space) == 0);
    rlim_t before = space.rlim_cur;
    space.rlim_cur = (rlim_t)1 << 30;
    check(setrlimit(RLIMIT_AS, &space) == 0);
    check(mmap(NULL, (size_t)2 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
    byte *small = map_pages(4);
    fill(small, 4 * PAGE, 1);
    expect(small, 4 * PAGE, 1);
    space.rlim_cur = before;
    check(setrlimit(RLIMIT_AS, &space) == 0);
    check(mmap(NULL, (size_t)2 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    say("limits hold");
}
