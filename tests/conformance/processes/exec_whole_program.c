/* A child thread executes another program while threads compute, sleep, wait for a lock, and read: they all vanish, and
 * the process is the new program, with the same pid, children, descriptors and buffered bytes in pipes.
 * calls: execve getpid */
#include "roles.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int ends[2];

static int role(int count, char **args) {
    check(count == 5 && !strcmp(args[0], "executed"));
    check(atoi(args[1]) == getpid() && gettid() == getpid());
    char text[32] = "";
    check(read(atoi(args[2]), text, sizeof text - 1) > 0);
    say("the pipe holds %s", text);
    say("the child ended with %d", end_of(atoi(args[3])));
    say("the new program has %s argument", args[4]);
    /* It can have threads like any other. */
    return 31;
}

static void *compute(void *arg) {
    for (;;)
        compute_ms(5);
    return arg;
}
static void *wait_for_lock(void *arg) {
    must(pthread_mutex_lock(&mutex));
    die("got the lock");
    return arg;
}
static void *sleep_long(void *arg) {
    sleep_ms(100000);
    die("slept");
    return arg;
}
static void *read_nothing(void *arg) {
    int silent[2];
    char byte;
    check(pipe2(silent, 0) == 0);
    (void)!read(silent[0], &byte, 1);
    die("read");
    return arg;
}

BODY {
    check(pipe(ends) == 0);
    write_all(ends[1], "bytes", 5);
    pid_t child = split();
    if (child == 0)
        _exit(12);
    must(pthread_mutex_lock(&mutex));
    spawn(compute, NULL);
    spawn(compute, NULL);
    spawn(wait_for_lock, NULL);
    spawn(sleep_long, NULL);
    spawn(read_nothing, NULL);
    settle();
    char pid[16], fd[16], born[16];
    snprintf(pid, sizeof pid, "%d", getpid());
    snprintf(fd, sizeof fd, "%d", ends[0]);
    snprintf(born, sizeof born, "%d", child);
    char *args[] = {"self", "executed", pid, fd, born, "this", NULL};
    execv(SELF, args);
    die("exec");
}
