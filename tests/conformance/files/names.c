/* Names: each thread's own by prctl and in /proc, the system's by uname, the host's; other things prctl tells and sets.
 * calls: prctl uname openat */
#include "../crew.h"
#include <sys/prctl.h>
#include <sys/utsname.h>

enum { CREW = 3 };
static pid_t tids[CREW];

static void work(int me) {
    char name[32], path[64];
    snprintf(name, sizeof name, "worker-%d-and-too-long", me);
    check(prctl(PR_SET_NAME, name, 0, 0, 0) == 0);
    tids[me] = gettid();
    meet();
    memset(name, 'x', sizeof name);
    check(prctl(PR_GET_NAME, name, 0, 0, 0) == 0);
    char wanted[32];
    snprintf(wanted, sizeof wanted, "worker-%d-and-to", me);
    check(strcmp(name, wanted) == 0);
    int other = (me + 1) % CREW;
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", tids[other]);
    int file = openat(AT_FDCWD, path, O_RDWR);
    check(file >= 0);
    ssize_t n = read(file, name, sizeof name);
    snprintf(wanted, sizeof wanted, "worker-%d-and-to", other);
    check(n == 16 && memcmp(name, wanted, 15) == 0);
    meet();
    /* Another thread gives a new name. */
    check(write(file, "renamed", 7) == 7 && close(file) == 0);
    meet();
    check(prctl(PR_GET_NAME, name, 0, 0, 0) == 0 && strcmp(name, "renamed") == 0);
    must(pthread_setname_np(pthread_self(), "by-pthread"));
    must(pthread_getname_np(pthread_self(), name, sizeof name));
    check(strcmp(name, "by-pthread") == 0);
    struct utsname system;
    check(uname(&system) == 0 && strcmp(system.sysname, "Linux") == 0);
    char host[256];
    check(gethostname(host, sizeof host) == 0 && strcmp(host, system.nodename) == 0);
    check(prctl(PR_SET_TIMERSLACK, 60000 + me, 0, 0, 0) == 0);
    meet();
    check(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0) == 60000 + me);
    meet();
}

BODY {
    crew(CREW, work);
    check(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1 && prctl(PR_SET_DUMPABLE, 9, 0, 0, 0) == -1 && errno == EINVAL);
    check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
    check(prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0);
    check(prctl(12345678, 0, 0, 0, 0) == -1 && errno == EINVAL);
    say("%d names", CREW);
}
