/* What every conformance program begins with.
 *
 * A program is one file, AREA/NAME.c. Its first comment says what it tests, and on lines of their own
 *   calls: NAME ...     system calls that its body must make from a board (`none`: it makes none itself)
 *   recalls: CAUSE ...  named causes of recalls it is allowed (docs/semantics.md); left out: none
 *   home: REASON        its body runs in the main thread (left out: in a child thread)
 *   takes: SECONDS      how long a run may take (left out: 60)
 *   withdraws: REASON   from some call of its body on the whole program stays at home
 * It writes `BODY { ... }`, prints with `say` what it observes, and calls `die` on what must not happen. What it prints
 * must be the same in every run: no addresses, pids, times, nor an order that depends on scheduling.
 *
 * Programs must not be able to tell natively from offloaded, so nothing here asks where it runs: the body is computed
 * for a moment (CONFORM_SETTLE_MS, default 30) before it begins, in which a policy can move its thread. */
#ifndef CONFORM_H
#define CONFORM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul

/* Prints a line at once, by one write. */
__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...) {
    char line[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (n > (int)sizeof line - 2)
        n = sizeof line - 2;
    line[n++] = '\n';
    for (int done = 0; done < n;) {
        ssize_t wrote = write(STDOUT_FILENO, line + done, (size_t)(n - done));
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            abort();
        done += (int)wrote;
    }
}

/* Ends the program: something is not as it must be. */
#define die(...)                                                                                                       \
    do {                                                                                                               \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                                \
        fprintf(stderr, __VA_ARGS__);                                                                                  \
        fprintf(stderr, " (errno %d)\n", errno);                                                                       \
        _exit(99);                                                                                                     \
    } while (0)

/* `condition` must hold. */
#define check(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            die("%s", #condition);                                                                                     \
    } while (0)

/* A pthread function must return 0. */
#define must(call)                                                                                                     \
    do {                                                                                                               \
        int must_result = (call);                                                                                      \
        if (must_result != 0) {                                                                                        \
            errno = must_result;                                                                                       \
            die("%s", #call);                                                                                          \
        }                                                                                                              \
    } while (0)

static inline double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Computes without system calls for about this long. */
static inline void compute_ms(double ms) {
    /* The vDSO's clock natively; where the clock is a call, few are made. */
    double end = seconds_now() + ms / 1e3;
    do {
        for (volatile int i = 0; i < 200000; i++)
            ;
    } while (seconds_now() < end);
}

/* Computes for as long as a policy may need to move the calling thread. */
static inline void settle(void) {
    const char *ms = getenv("CONFORM_SETTLE_MS");
    compute_ms(ms ? atof(ms) : 30);
}

static inline void sleep_ms(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&time, &time) != 0)
        check(errno == EINTR);
}

static inline pthread_t spawn(void *(*function)(void *), void *arg) {
    pthread_t thread;
    must(pthread_create(&thread, NULL, function, arg));
    return thread;
}

static inline void *join(pthread_t thread) {
    void *result;
    must(pthread_join(thread, &result));
    return result;
}

static void conform_body(void);

#ifdef BODY_AT_HOME
int main(void) {
    settle();
    conform_body();
    return 0;
}
#else
static void *conform_child(void *arg) {
    settle();
    conform_body();
    return arg;
}

int main(void) {
    join(spawn(conform_child, NULL));
    say("done");
    return 0;
}
#endif

#define BODY static void conform_body(void)

#endif
