/* What /proc tells of the program: its status, tasks, executable, command line, environment, descriptors and mappings.
 * calls: openat read readlink */
#include "../crew.h"
#include "../pages.h"
#include <dirent.h>

enum { CREW = 3 };
static byte *area;
static char exe[4096];

/* The start of a file of /proc. */
static char *text_of(const char *name) {
    static _Thread_local char text[65536];
    int file = openat(AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
    check(file >= 0);
    size_t length = 0;
    for (ssize_t n; length < sizeof text - 1 && (n = read(file, text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)n;
    check(close(file) == 0);
    text[length] = 0;
    return text;
}

static long field(const char *text, const char *name) {
    const char *at = strstr(text, name);
    check(at != NULL);
    return atol(at + strlen(name));
}

static void work(int me) {
    meet();
    char *status = text_of("/proc/self/status");
    check(field(status, "\nPid:") == getpid() && field(status, "\nTgid:") == getpid());
    check(field(status, "\nThreads:") == CREW + 2 && field(status, "\nUid:") == (long)getuid());
    status = text_of("/proc/thread-self/status");
    check(field(status, "\nPid:") == gettid() && field(status, "\nTgid:") == getpid());
    int tasks = 0;
    bool found = false;
    DIR *stream = opendir("/proc/self/task");
    check(stream != NULL);
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;)
        if (entry->d_name[0] != '.') {
            tasks++;
            found |= atoi(entry->d_name) == gettid();
        }
    check(closedir(stream) == 0);
    if (tasks != CREW + 2 || !found)
        die("%d tasks", tasks);
    char link[4096] = {0};
    check(readlink("/proc/self/exe", link, sizeof link - 1) > 0 && strcmp(link, exe) == 0);
    /* The argument's page was written by another thread meanwhile, or read. */
    check(strstr(text_of("/proc/self/cmdline"), "proc_self") != NULL);
    char *environment = text_of("/proc/self/environ");
    check(strcmp(environment, environ[0]) == 0);
    check(strstr(text_of("/proc/self/comm"), "proc_self") != NULL || strlen(text_of("/proc/self/comm")) > 0);
    char *maps = text_of("/proc/self/maps"), line[64];
    snprintf(line, sizeof line, "%lx-", (unsigned long)area);
    char *at = strstr(maps, line);
    check(at != NULL && strncmp(strchr(at, ' '), " rw-p", 5) == 0);
    check(strstr(maps, "[stack]") != NULL && strstr(maps, exe) != NULL);
    unsigned long end = strtoul(at + strlen(line), NULL, 16);
    check(end == (unsigned long)area + 3 * PAGE);
    char *sizes = text_of("/proc/self/statm");
    check(atol(sizes) > 0);
    area[(size_t)(me % 3) * PAGE] = 1;
    meet();
}

BODY {
    check(readlink("/proc/self/exe", exe, sizeof exe - 1) > 0);
    area = map_island(3);
    crew(CREW, work);
    check(access("/proc/self/fd/1", F_OK) == 0 && access("/proc/self/fd/99", F_OK) == -1);
    /* Some descriptors only: standard streams and this listing. */
    int descriptors = 0;
    DIR *stream = opendir("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;)
        descriptors += entry->d_name[0] != '.' && atoi(entry->d_name) > 2;
    say("%d descriptors beyond the standard streams", descriptors);
}
