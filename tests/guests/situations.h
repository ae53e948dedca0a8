/* What situations.c stands on: the frame that gets a thread into a situation and out of it. */
#ifndef SITUATIONS_H
#define SITUATIONS_H

#include "common.h"

#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The situation says by itself that it is reached; else a moment after its begin will do. */
#define SAYS_READY 1
/* The main thread ends first, and another does its work. */
#define MAIN_ENDS 2

struct situation {
    const char *name;
    void (*before)(void); /* in the thread that watches */
    void (*in)(void);     /* in a thread of its own */
    void (*out)(void);    /* in the thread that watches, once the input is over */
    void (*after)(void);  /* when the other has ended */
    int flags;
};

static const struct situation *chosen;
static pthread_t waiting;
static _Atomic bool over, reached;

#define demand(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            die("%s (%s)", #condition, strerror(errno));                                                               \
    } while (0)

/* Operations on futexes, the kernel's <linux/futex.h>. */
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_PRIVATE_FLAG = 128 };

static inline long futex(_Atomic int *word, int operation, int value) {
    return syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

/* Prints a line at once; safe in handlers. */
static inline void observe(const char *what, long value) {
    char line[128];
    int n = snprintf(line, sizeof line, "%s: %ld\n", what, value);
    demand(write(STDOUT_FILENO, line, (size_t)n) == n);
}

static inline bool input_over(void) {
    return over;
}

static inline void ready_now(void) {
    reached = true;
}

static inline void *compute(void *arg) {
    uint64_t first = (uint64_t)(uintptr_t)arg, value = first, steps = 0;
    while (!over) {
        value = lcg_walk(value, 10000);
        steps += 10000;
    }
    return (void *)(uintptr_t)(value == lcg_jump(first, steps));
}

static inline void compute_for(long ms) {
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        lcg_walk(1, 10000);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < ms);
}

static inline void *get_in(void *arg) {
    chosen->in();
    return arg;
}

static void *watch(void *arg) {
    enum { MOMENT = 200 };
    pthread_t computing[2];
    for (uintptr_t i = 0; i < 2; i++)
        must(pthread_create(&computing[i], NULL, compute, (void *)i), "pthread_create");
    chosen->before();
    must(pthread_create(&waiting, NULL, get_in, NULL), "pthread_create");
    if (chosen->flags & SAYS_READY)
        while (!reached)
            nanosleep(&(struct timespec){0, 1000000}, NULL);
    nanosleep(&(struct timespec){0, MOMENT * 1000000}, NULL);
    demand(write(STDOUT_FILENO, "ready\n", 6) == 6);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    over = true;
    chosen->out();
    must(pthread_join(waiting, NULL), "pthread_join");
    chosen->after();
    for (int i = 0; i < 2; i++) {
        void *right;
        must(pthread_join(computing[i], &right), "pthread_join");
        observe("computed right", (intptr_t)right);
    }
    exit(0);
    return arg;
}

/* An io_uring with one read under way. */
struct ring {
    int file;
    char *submissions, *completions;
    uint32_t offsets[30]; /* struct io_uring_params */
};
static inline void ring_open(struct ring *ring) {
    memset(ring->offsets, 0, sizeof ring->offsets);
    ring->file = (int)syscall(SYS_io_uring_setup, 4, ring->offsets);
    demand(ring->file >= 0);
    ring->submissions = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring->file, 0);
    ring->completions = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring->file, 0x8000000);
    demand(ring->submissions != MAP_FAILED && ring->completions != MAP_FAILED);
}
static inline void ring_read(struct ring *ring, int file, void *to, uint32_t size) {
    struct {
        uint8_t opcode, flags;
        uint16_t priority;
        int32_t file;
        uint64_t offset, address;
        uint32_t length, more;
        uint64_t data, rest[3];
    } *entries = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring->file, 0x10000000);
    demand(entries != MAP_FAILED);
    memset(entries, 0, sizeof *entries);
    entries[0].opcode = 22; /* IORING_OP_READ */
    entries[0].file = file;
    entries[0].offset = (uint64_t)-1;
    entries[0].address = (uintptr_t)to;
    entries[0].length = size;
    uint32_t *array = (void *)(ring->submissions + ring->offsets[16]);
    array[0] = 0;
    atomic_store((_Atomic uint32_t *)(void *)(ring->submissions + ring->offsets[11]), 1);
    demand(syscall(SYS_io_uring_enter, ring->file, 1, 0, 0, NULL, 0L) == 1);
}
/* The result of the read. */
static inline long ring_wait(struct ring *ring) {
    _Atomic uint32_t *head = (void *)(ring->completions + ring->offsets[20]);
    _Atomic uint32_t *tail = (void *)(ring->completions + ring->offsets[21]);
    while (*head == *tail)
        demand(syscall(SYS_io_uring_enter, ring->file, 0, 1, 1, NULL, 0L) == 0 || errno == EINTR);
    int32_t *completion = (void *)(ring->completions + ring->offsets[25]);
    *head = *head + 1;
    return completion[2];
}

#endif
