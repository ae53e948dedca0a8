/* A child process stops its parent while the parent's threads compute and sleep, sees that it is stopped, and continues
 * it: all threads stand still, and all go on; a handler for SIGCONT runs.
 * calls: wait4 nanosleep
 * recalls: fork signal */
#include "signals.h"

static atomic_int continued, stop;

static void on_continue(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    atomic_fetch_add(&continued, 1);
}

static void *compute(void *arg) {
    volatile long pulses = 0;
    while (!atomic_load(&stop))
        pulses++;
    *(long *)arg = pulses;
    return NULL;
}

static void *sleep_on(void *arg) {
    while (!atomic_load(&stop))
        sleep_ms(1);
    return arg;
}

static char state_of(pid_t pid) {
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return '?';
    ssize_t n = read(fd, line, sizeof line - 1);
    close(fd);
    if (n <= 0)
        return '?';
    line[n] = 0;
    char *after = strrchr(line, ')');
    return after ? after[2] : '?';
}

/* In the child: stops and continues `parent`; its exit status tells how often it worked. */
static int stop_and_continue(pid_t parent, int rounds) {
    int worked = 0;
    for (int i = 0; i < rounds; i++) {
        if (kill(parent, SIGSTOP) != 0)
            return 90;
        int waited = 0;
        char state;
        /* 't' is a stopped process that has a tracer. */
        while ((state = state_of(parent)) != 'T' && state != 't' && waited++ < 5000)
            sleep_ms(1);
        if (state == 'T' || state == 't')
            worked++;
        sleep_ms(20);
        if (kill(parent, SIGCONT) != 0)
            return 91;
        sleep_ms(20);
    }
    return worked;
}

BODY {
    handle(SIGCONT, on_continue, SA_RESTART);
    long pulses = 0;
    pthread_t threads[2] = {spawn(compute, &pulses), spawn(sleep_on, NULL)};
    settle();
    pid_t parent = getpid(), child = fork();
    check(child >= 0);
    if (child == 0)
        _exit(stop_and_continue(parent, 3));
    int status;
    pid_t ended;
    while ((ended = waitpid(child, &status, 0)) == -1 && errno == EINTR)
        ;
    check(ended == child && WIFEXITED(status));
    spin_until(&continued, 3);
    atomic_store(&stop, 1);
    join(threads[0]);
    join(threads[1]);
    check(pulses > 0);
    say("stopped %d times, continued %d times", WEXITSTATUS(status), continued);
}
