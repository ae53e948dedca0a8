/* Forks children that outlive the program and drop and protect memory afterwards: `survivors [MODE]`.
 *
 * The children begin when the program is gone, and rtx-run too if it runs under that; then each does what allocators do
 * and says so. MODE `wait`: the program waits for the end of its input, to be killed meanwhile. */
#include "common.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES 32

static _Atomic bool over;
static pthread_barrier_t begun;

static void *compute(void *arg) {
    wait_at(&begun); /* from here on it is elsewhere, if it ever will be */
    volatile uint64_t sink = (uintptr_t)arg;
    while (!over)
        sink = lcg_walk(sink, 100000);
    return NULL;
}

/* Whether a process has ended. */
static bool ended(pid_t pid) {
    char name[64], text[512] = "";
    snprintf(name, sizeof name, "/proc/%d/stat", pid);
    int file = open(name, O_RDONLY);
    if (file < 0)
        return true;
    ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    char *state = got > 0 ? strrchr(text, ')') : NULL;
    return !state || state[2] == 'Z' || state[2] == 'X';
}

/* The program's parent if that is rtx-run. */
static pid_t supervisor(void) {
    char name[64], text[32] = "";
    pid_t parent = getppid();
    snprintf(name, sizeof name, "/proc/%d/comm", parent);
    int file = open(name, O_RDONLY);
    ssize_t got = file < 0 ? 0 : read(file, text, sizeof text - 1);
    close(file);
    return got > 0 && !strcmp(text, "rtx-run\n") ? parent : 0;
}

/* What allocators do; natively it always works. */
static void work(void) {
    for (int round = 0; round < 100; round++) {
        unsigned char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(memory, round + 1, PAGES * PAGE);
        if (madvise(memory, PAGES * PAGE / 2, MADV_DONTNEED))
            die("madvise: %s", strerror(errno));
        if (memory[0] || memory[PAGES * PAGE - 1] != round + 1)
            die("madvise dropped the wrong pages");
        if (mprotect(memory, PAGES * PAGE, PROT_READ))
            die("mprotect: %s", strerror(errno));
        int zero = open("/dev/zero", O_RDONLY);
        if (read(zero, memory, 16) != -1 || errno != EFAULT)
            die("mprotect did not protect");
        close(zero);
        munmap(memory, PAGES * PAGE);
    }
}

static void say(const char *text) {
    if (write(STDOUT_FILENO, text, strlen(text)) < 0)
        _exit(1);
}

/* A child's life: `started` tells the program that it is there. */
static void outlive(pid_t program, pid_t above, bool executes, int started, const char *self) {
    work();
    close(started);
    while (!ended(program) || (above && !ended(above)))
        usleep(1000);
    if (executes) {
        execl(self, self, "executed", (char *)NULL);
        _exit(1);
    }
    work();
    say("a child has outlived the program\n");
    _exit(0);
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";
    if (!strcmp(mode, "executed")) {
        work();
        say("a child has executed something else\n");
        return 0;
    }
    pthread_t thread;
    must(pthread_barrier_init(&begun, NULL, 2), "pthread_barrier_init");
    must(pthread_create(&thread, NULL, compute, NULL), "pthread_create");
    wait_at(&begun);
    work();
    pid_t program = getpid(), above = supervisor();
    for (int i = 0; i < 2; i++) {
        int pipe_ends[2];
        if (pipe(pipe_ends))
            die("no pipe");
        pid_t child = fork();
        if (child < 0)
            die("fork: %s", strerror(errno));
        if (child == 0) {
            close(pipe_ends[0]);
            outlive(program, above, i == 1, pipe_ends[1], argv[0]);
        }
        close(pipe_ends[1]);
        char byte;
        (void)!read(pipe_ends[0], &byte, 1);
        close(pipe_ends[0]);
    }
    say("ready\n");
    if (!strcmp(mode, "wait")) {
        char byte;
        while (read(STDIN_FILENO, &byte, 1) > 0)
            ;
    }
    over = true;
    must(pthread_join(thread, NULL), "pthread_join");
    return 0;
}
