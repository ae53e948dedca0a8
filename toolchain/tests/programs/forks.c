/* Every way to make a process, also below functions that cannot migrate; what the children say goes to one pipe. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static int from_children, to_parent;

__attribute__((noinline)) static long busy(long n) {
    long sum = 0;
    for (long i = 0; i < n; i++)
        sum += i ^ n;
    return sum;
}

static int status_of(pid_t child) {
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

static void say(char letter) {
    if (write(to_parent, &letter, 1) != 1)
        _exit(9);
}

static int in_clone(void *argument) {
    int local[4] = {3, 0, 0, 0};
    for (int i = 0; i < *(int *)argument; i++)
        local[i & 3] += i;
    say('c');
    return local[0] & 0x7f;
}

__attribute__((noinline, format(printf, 1, 2))) static int run(const char *format, ...) {
    char command[64];
    va_list list;
    va_start(list, format);
    vsnprintf(command, sizeof command, format, list);
    va_end(list);
    return WEXITSTATUS(system(command));
}

/* The child changes the parent's memory. */
__attribute__((noinline)) static int by_vfork(void) {
    static volatile int shared;
    pid_t child = vfork();
    if (!child) {
        shared = (int)(busy(1000) & 7);
        _exit(5);
    }
    return status_of(child) + 10 * shared;
}

int main(void) {
    int ends[2], number = 12;
    if (pipe(ends))
        return 2;
    from_children = ends[0], to_parent = ends[1];

    pid_t child = fork();
    if (!child) {
        say('f');
        _exit((int)(busy(100) & 15));
    }
    printf("fork %d\n", status_of(child));

    printf("vfork %d\n", by_vfork());

    char *arguments[] = {"sh", "-c", "exit 7", 0};
    printf("posix_spawn %d", posix_spawn(&child, "/bin/sh", 0, 0, arguments, environ));
    printf(" %d\n", status_of(child));
    printf("posix_spawnp %d", posix_spawnp(&child, "sh", 0, 0, arguments, environ));
    printf(" %d\n", status_of(child));
    printf("system %d\n", WEXITSTATUS(system("exit 3")));
    printf("run %d\n", run("exit %d", 4));

    char text[8] = "";
    FILE *output = popen("echo hello", "r");
    printf("popen %d", output && fgets(text, sizeof text, output) == text);
    printf(" %d\n", WEXITSTATUS(pclose(output)));

    static char stack[65536];
    child = clone(in_clone, stack + sizeof stack, SIGCHLD, &number);
    printf("clone %d\n", status_of(child));
    child = clone(in_clone, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &number);
    printf("clone of memory %d\n", status_of(child));
    fflush(stdout);
    child = (pid_t)syscall(SYS_fork);
    if (!child)
        _exit(6);
    printf("number %d\n", status_of(child));

    close(to_parent);
    char letters[8] = "";
    printf("%zd %s\n", read(from_children, letters, sizeof letters - 1), letters);
    return 0;
}
