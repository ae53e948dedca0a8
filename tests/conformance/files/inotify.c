/* inotify: a thread hears in order what another one does in a directory.
 * calls: inotify_init1 inotify_add_watch inotify_rm_watch read */
#include "../crew.h"
#include "scratch.h"
#include <sys/inotify.h>
#include <sys/stat.h>

enum { CREW = 2 };
static char dir[40];
static int watcher;

static const char *name_of(uint32_t mask) {
    return mask & IN_CREATE       ? "created"
           : mask & IN_MODIFY     ? "modified"
           : mask & IN_CLOSE_WRITE ? "closed"
           : mask & IN_MOVED_FROM ? "moved from"
           : mask & IN_MOVED_TO   ? "moved to"
           : mask & IN_DELETE     ? "deleted"
           : mask & IN_IGNORED    ? "ignored"
                                  : "other";
}

static void listen_to(void) {
    char room[4096] __attribute__((aligned(8)));
    for (;;) {
        ssize_t n = read(watcher, room, sizeof room);
        check(n > 0);
        for (char *at = room; at < room + n;) {
            struct inotify_event *event = (void *)at;
            say("%s%s %s", name_of(event->mask), event->mask & IN_ISDIR ? " directory" : "",
                event->len ? event->name : "-");
            if (event->mask & IN_IGNORED)
                return;
            at += sizeof *event + event->len;
        }
    }
}

static void work(int me) {
    char one[64], two[64];
    snprintf(one, sizeof one, "%s/one", dir);
    snprintf(two, sizeof two, "%s/two", dir);
    if (me == 0) {
        listen_to();
        return;
    }
    int file = open(one, O_CREAT | O_WRONLY, 0600);
    check(file >= 0 && write(file, "x", 1) == 1 && close(file) == 0);
    check(rename(one, two) == 0 && unlink(two) == 0);
    check(mkdir(one, 0700) == 0 && rmdir(one) == 0);
    check(inotify_rm_watch(watcher, 1) == 0);
}

BODY {
    scratch_dir(dir);
    watcher = inotify_init1(IN_CLOEXEC);
    check(watcher >= 0);
    check(inotify_add_watch(watcher, dir, IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVE | IN_DELETE) == 1);
    crew(CREW, work);
    check(rmdir(dir) == 0);
}
