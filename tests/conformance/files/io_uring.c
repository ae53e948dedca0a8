/* io_uring by raw system calls: the rings are shared with the kernel, transfers go to and from pages that threads
 * used before.
 * calls: io_uring_setup
 * recalls: unwatched-memory */
#include "../crew.h"
#include "../pages.h"
#include "scratch.h"

/* As the kernel's <linux/io_uring.h> has them. */
struct submission_offsets {
    uint32_t head, tail, mask, entries, flags, dropped, array, reserved;
    uint64_t user;
};
struct completion_offsets {
    uint32_t head, tail, mask, entries, overflow, entries_at, flags, reserved;
    uint64_t user;
};
struct parameters {
    uint32_t submissions, completions, flags, cpu, idle, features, queue, reserved[3];
    struct submission_offsets submission;
    struct completion_offsets completion;
};
struct submission {
    uint8_t opcode, flags;
    uint16_t priority;
    int32_t file;
    uint64_t offset, address;
    uint32_t length, more_flags;
    uint64_t data, rest[3];
};
struct completion {
    uint64_t data;
    int32_t result;
    uint32_t flags;
};
_Static_assert(sizeof(struct parameters) == 120 && sizeof(struct submission) == 64, "the kernel's sizes");
enum { READ = 22, WRITE = 23, GET_EVENTS = 1, CREW = 3, ROUNDS = 5, PAGES = 8 };

static int ring, file;
static struct parameters parameters;
static byte *submissions, *completions, *buffer, *box;
static struct submission *entries;

static void transfer(uint8_t opcode, byte *at) {
    _Atomic uint32_t *tail = (void *)(submissions + parameters.submission.tail);
    uint32_t mask = *(uint32_t *)(submissions + parameters.submission.mask);
    uint32_t *array = (void *)(submissions + parameters.submission.array);
    for (int i = 0; i < PAGES; i++) {
        uint32_t slot = *tail & mask;
        entries[slot] = (struct submission){.opcode = opcode,
                                            .file = file,
                                            .offset = (uint64_t)i * PAGE,
                                            .address = (uintptr_t)at + (size_t)i * PAGE,
                                            .length = PAGE,
                                            .data = (uint64_t)i};
        array[slot] = slot;
        atomic_store_explicit(tail, *tail + 1, memory_order_release);
    }
    check(syscall(SYS_io_uring_enter, ring, PAGES, PAGES, GET_EVENTS, NULL, 0L) == PAGES);
    _Atomic uint32_t *head = (void *)(completions + parameters.completion.head);
    _Atomic uint32_t *end = (void *)(completions + parameters.completion.tail);
    struct completion *done = (void *)(completions + parameters.completion.entries_at);
    mask = *(uint32_t *)(completions + parameters.completion.mask);
    unsigned seen = 0;
    for (int i = 0; i < PAGES; i++) {
        /* A stop by job control ends the wait, of which the call above does not tell. */
        while (*head == *end)
            check(syscall(SYS_io_uring_enter, ring, 0, 1, GET_EVENTS, NULL, 0L) == 0 || errno == EINTR);
        struct completion *one = &done[*head & mask];
        check(one->result == (int)PAGE && !(seen & 1u << one->data));
        seen |= 1u << one->data;
        atomic_store_explicit(head, *head + 1, memory_order_release);
    }
}

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        for (int page = me; page < PAGES; page += CREW)
            fill(buffer + (size_t)page * PAGE, PAGE, (unsigned)(round * PAGES + page));
        if ((round + 1) % CREW == me)
            memset(box, 0, PAGES * PAGE);
        settle();
        meet();
        if (round % CREW == me) {
            transfer(WRITE, buffer);
            transfer(READ, box);
        }
        meet();
        for (int page = 0; page < PAGES; page++)
            expect(box + (size_t)page * PAGE, PAGE, (unsigned)(round * PAGES + page));
        meet();
    }
}

static byte *map_ring(size_t length, off_t what) {
    void *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, what);
    check(at != MAP_FAILED);
    return at;
}

BODY {
    ring = (int)syscall(SYS_io_uring_setup, 16, &parameters);
    if (ring < 0) {
        check(errno == ENOSYS || errno == EPERM);
        say("no io_uring here");
        return;
    }
    submissions = map_ring(parameters.submission.array + parameters.submissions * sizeof(uint32_t), 0);
    completions = map_ring(
        parameters.completion.entries_at + parameters.completions * sizeof(struct completion), 0x8000000);
    entries = (void *)map_ring(parameters.submissions * sizeof(struct submission), 0x10000000);
    file = scratch_file();
    buffer = map_pages(PAGES);
    box = map_pages(PAGES);
    crew(CREW, work);
    check(close(ring) == 0);
    say("%d rounds of %d", ROUNDS, PAGES);
}
