/* What a process inherits, as seen by main and by a child thread: arguments, environment, directory, descriptors,
 * dispositions, masks, limits. */
#include "common.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static int compare_strings(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void show_environment(void) {
    size_t count = 0;
    while (environ[count])
        count++;
    char **sorted = calloc(count + 1, sizeof *sorted);
    memcpy(sorted, environ, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_strings);
    /* The testbed's own two differ from run to run. */
    for (size_t i = 0; i < count; i++)
        if (strncmp(sorted[i], "TESTBED_RUN=", 12) && strncmp(sorted[i], "TMPDIR=", 7))
            printf("env %s\n", sorted[i]);
    free(sorted);
}

static void show_descriptors(void) {
    for (int fd = 0; fd < 256; fd++) {
        struct stat info;
        if (fstat(fd, &info))
            continue;
        printf("fd %d type %o flags %o cloexec %d\n", fd, info.st_mode & S_IFMT, fcntl(fd, F_GETFL),
               fcntl(fd, F_GETFD));
    }
}

static void show_signals(void) {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    for (int number = 1; number < 65; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action))
            continue;
        const char *what = action.sa_handler == SIG_DFL ? "default" : action.sa_handler == SIG_IGN ? "ignored" : "caught";
        if (action.sa_handler != SIG_DFL || sigismember(&mask, number))
            printf("signal %d %s%s\n", number, what, sigismember(&mask, number) ? " blocked" : "");
    }
}

static void show_limits(void) {
    for (int resource = 0; resource < 16; resource++) {
        struct rlimit limit;
        if (!getrlimit(resource, &limit))
            printf("limit %d %llx %llx\n", resource, (unsigned long long)limit.rlim_cur,
                   (unsigned long long)limit.rlim_max);
    }
    mode_t mode = umask(0);
    umask(mode);
    cpu_set_t cpus;
    sched_getaffinity(0, sizeof cpus, &cpus);
    printf("umask %o nice %d cpus %d uid %d gid %d\n", mode, getpriority(PRIO_PROCESS, 0), CPU_COUNT(&cpus), getuid(),
           getgid());
}

static void *show(void *arg) {
    char path[4096];
    printf("seen by %s\ndirectory %s\n", arg ? "a child thread" : "main", getcwd(path, sizeof path));
    show_environment();
    show_descriptors();
    show_signals();
    show_limits();
    return NULL;
}

int main(int argc, char **argv) {
    for (int i = 0; i < argc; i++)
        printf("argument %d \"%s\"\n", i, argv[i]);
    show(NULL);
    pthread_t thread;
    usleep(300000);
    must(pthread_create(&thread, NULL, show, (void *)1), "pthread_create");
    must(pthread_join(thread, NULL), "pthread_join");
    return 0;
}
