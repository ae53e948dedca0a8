/* Names of threads: one's own and another's, by pthread, prctl and /proc, inherited by new threads.
 * calls: prctl open read */
#include "../conform.h"
#include <sys/prctl.h>

static atomic_int tid, go;

static void *inherit(void *arg) {
    char name[16];
    check(prctl(PR_GET_NAME, name) == 0);
    say("inherited %s", name);
    atomic_store(&tid, gettid());
    while (!atomic_load(&go))
        sched_yield();
    must(pthread_getname_np(pthread_self(), name, sizeof name));
    say("renamed %s", name);
    return arg;
}

BODY {
    char name[16], path[64];
    must(pthread_setname_np(pthread_self(), "first-name"));
    must(pthread_getname_np(pthread_self(), name, sizeof name));
    say("own %s", name);
    say("too long: %s", strerror(pthread_setname_np(pthread_self(), "sixteen-letters!")));
    say("no room: %s", strerror(pthread_getname_np(pthread_self(), name, 4)));

    pthread_t thread = spawn(inherit, NULL);
    while (!atomic_load(&tid))
        sched_yield();
    must(pthread_setname_np(thread, "second"));
    must(pthread_getname_np(thread, name, sizeof name));
    say("other %s", name);
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
    int fd = open(path, O_RDONLY);
    check(fd >= 0);
    ssize_t n = read(fd, name, sizeof name);
    check(n > 0 && name[n - 1] == '\n');
    say("in /proc %.*s", (int)n - 1, name);
    close(fd);
    atomic_store(&go, 1);
    join(thread);
    must(pthread_getname_np(pthread_self(), name, sizeof name));
    say("own still %s", name);
}
