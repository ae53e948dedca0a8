/* Asynchronous transfers by io_submit: the kernel reads and writes pages that threads used before, and io_getevents
 * tells of each once.
 * calls: io_setup io_submit io_getevents io_destroy */
#include "../crew.h"
#include "../pages.h"
#include "scratch.h"

/* As the kernel's <linux/aio_abi.h> has them. */
struct request {
    uint64_t data;
    uint32_t key, flags;
    uint16_t opcode;
    int16_t priority;
    uint32_t file;
    uint64_t buffer, length;
    int64_t offset;
    uint64_t reserved;
    uint32_t more_flags, event_file;
};
struct done {
    uint64_t data, request;
    int64_t result, result2;
};
enum { READ = 0, WRITE = 1, CREW = 3, ROUNDS = 6, PAGES = 8 };
static byte *buffer, *box;
static int file;
static unsigned long context;

static void transfer(int opcode, byte *at) {
    struct request requests[PAGES], *list[PAGES];
    memset(requests, 0, sizeof requests);
    for (int i = 0; i < PAGES; i++) {
        requests[i] = (struct request){.data = (uint64_t)i,
                                       .opcode = (uint16_t)opcode,
                                       .file = (uint32_t)file,
                                       .buffer = (uintptr_t)at + (size_t)i * PAGE,
                                       .length = PAGE,
                                       .offset = i * (int64_t)PAGE};
        list[i] = &requests[i];
    }
    check(syscall(SYS_io_submit, context, (long)PAGES, list) == PAGES);
    unsigned seen = 0;
    for (int left = PAGES; left > 0;) {
        struct done done[PAGES];
        long n = syscall(SYS_io_getevents, context, 1L, (long)left, done, NULL);
        check(n >= 1);
        for (long i = 0; i < n; i++) {
            check(done[i].result == (int64_t)PAGE && !(seen & 1u << done[i].data));
            check(done[i].request == (uintptr_t)list[done[i].data]);
            seen |= 1u << done[i].data;
        }
        left -= (int)n;
    }
}

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        for (int page = me; page < PAGES; page += CREW)
            fill(buffer + (size_t)page * PAGE, PAGE, (unsigned)(round * PAGES + page));
        if ((round + 1) % CREW == me)
            memset(box, 0, PAGES * PAGE);
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

BODY {
    char name[] = "conform.XXXXXX";
    check(close(mkstemp(name)) == 0);
    /* Without direct transfers the kernel does them at once; the result is the same. */
    file = open(name, O_RDWR | O_DIRECT | O_CLOEXEC);
    if (file < 0)
        file = open(name, O_RDWR | O_CLOEXEC);
    check(file >= 0 && unlink(name) == 0);
    if (syscall(SYS_io_setup, 32, &context) != 0) {
        say("no asynchronous transfers here");
        return;
    }
    buffer = map_pages(PAGES);
    box = map_pages(PAGES);
    crew(CREW, work);
    check(syscall(SYS_io_destroy, context) == 0);
    say("%d rounds of %d", ROUNDS, PAGES);
}
