/* Directories: made, filled by several threads, listed, entries renamed, linked and removed, each thread seeing the
 * others' work.
 * calls: mkdirat openat getdents64 renameat unlinkat linkat symlinkat readlinkat */
#include "../crew.h"
#include "scratch.h"
#include <dirent.h>
#include <sys/stat.h>

enum { CREW = 3, FILES = 20 };
static char name[40];
static int dir;

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* How many entries, and whether they are in the directory in fact. */
static int list(char *names[], int most) {
    int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(again >= 0);
    DIR *stream = fdopendir(again);
    check(stream != NULL);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        struct stat state;
        check(fstatat(dir, entry->d_name, &state, AT_SYMLINK_NOFOLLOW) == 0 && state.st_ino == entry->d_ino);
        check(count < most);
        names[count++] = strdup(entry->d_name);
    }
    check(closedir(stream) == 0);
    qsort(names, (size_t)count, sizeof *names, compare);
    return count;
}

static void work(int me) {
    char from[64], to[64];
    for (int i = 0; i < FILES; i++) {
        snprintf(from, sizeof from, "made-%d-%02d", me, i);
        int file = openat(dir, from, O_CREAT | O_EXCL | O_WRONLY, 0600);
        check(file >= 0 && write(file, from, (size_t)i) == i && close(file) == 0);
    }
    meet();
    int other = (me + 1) % CREW;
    for (int i = 0; i < FILES; i++) {
        snprintf(from, sizeof from, "made-%d-%02d", other, i);
        struct stat state;
        check(fstatat(dir, from, &state, 0) == 0 && state.st_size == i);
        snprintf(to, sizeof to, "moved-%d-%02d", other, i);
        if (i % 4 == 0)
            check(unlinkat(dir, from, 0) == 0);
        else if (i % 4 == 1)
            check(renameat(dir, from, dir, to) == 0);
        else if (i % 4 == 2)
            check(linkat(dir, from, dir, to, 0) == 0);
        else
            check(symlinkat(from, dir, to) == 0);
    }
    meet();
    snprintf(to, sizeof to, "moved-%d-03", me);
    char target[64] = {0};
    check(readlinkat(dir, to, target, sizeof target) == 9 && strncmp(target, "made-", 5) == 0);
}

BODY {
    scratch_dir(name);
    dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(dir >= 0);
    check(mkdirat(dir, "sub", 0700) == 0 && mkdirat(dir, "sub", 0700) == -1 && errno == EEXIST);
    crew(CREW, work);
    char *names[200];
    int count = list(names, 200);
    for (int i = 0; i < count; i++) {
        say("%s", names[i]);
        if (strcmp(names[i], "sub") != 0)
            check(unlinkat(dir, names[i], 0) == 0);
    }
    check(rmdir(name) == -1 && errno == ENOTEMPTY);
    check(unlinkat(dir, "sub", AT_REMOVEDIR) == 0 && rmdir(name) == 0);
    check(openat(dir, "x", O_CREAT | O_WRONLY, 0600) == -1 && errno == ENOENT);
}
