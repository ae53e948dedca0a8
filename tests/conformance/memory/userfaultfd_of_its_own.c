/* A program's own userfaultfd: one thread fills the pages that others touch, in memory that they have used before.
 * calls: userfaultfd
 * withdraws: memory has one who serves its faults */
#include "../crew.h"
#include "../pages.h"
#include <poll.h>
#include <sys/ioctl.h>

/* As the kernel's <linux/userfaultfd.h> has them, which musl does not bring. */
struct api {
    uint64_t api, features, ioctls;
};
struct range {
    uint64_t start, length, mode, ioctls;
};
struct copy {
    uint64_t to, from, length, mode;
    int64_t copied;
};
struct message {
    uint8_t event, padding[7];
    uint64_t flags, address, thread;
};
#define UFFDIO_API _IOWR(0xaa, 0x3f, struct api)
#define UFFDIO_REGISTER _IOWR(0xaa, 0, struct range)
#define UFFDIO_COPY _IOWR(0xaa, 3, struct copy)
enum { PAGEFAULT = 0x12, MISSING = 1 };

enum { CREW = 3, PAGES = 8 };
static byte *area;
static int fault_fd;

static void serve(void) {
    byte page[PAGE];
    for (int served = 0; served < PAGES;) {
        struct pollfd wait = {fault_fd, POLLIN, 0};
        check(poll(&wait, 1, -1) == 1);
        struct message message;
        ssize_t n = read(fault_fd, &message, sizeof message);
        if (n < 0 && errno == EAGAIN)
            continue;
        check(n == (ssize_t)sizeof message && message.event == PAGEFAULT);
        byte *at = (byte *)(uintptr_t)(message.address & ~(PAGE - 1));
        fill(page, PAGE, (unsigned)((at - area) / (long)PAGE));
        struct copy copy = {.to = (uintptr_t)at, .from = (uintptr_t)page, .length = PAGE};
        if (ioctl(fault_fd, UFFDIO_COPY, &copy) == 0)
            served++;
        else
            check(errno == EEXIST);
    }
}

static void work(int me) {
    if (me == 0) {
        serve();
    } else {
        for (int i = 0; i < PAGES; i++) {
            int page = me == 1 ? i : PAGES - 1 - i;
            expect(area + (size_t)page * PAGE, PAGE, (unsigned)page);
        }
    }
    meet();
    if (me == 2)
        fill(area, PAGE, 90);
    meet();
    expect(area, PAGE, 90);
}

static void use(int me) {
    if (me == 0)
        fill(area, PAGES * PAGE, 70);
    meet();
    expect(area, PAGES * PAGE, 70);
    settle();
}

BODY {
    area = map_island(PAGES);
    crew(CREW, use);
    fault_fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | 1 /* user mode only */);
    if (fault_fd < 0) {
        say("no userfaultfd here");
        return;
    }
    struct api api = {.api = 0xaa};
    check(ioctl(fault_fd, UFFDIO_API, &api) == 0);
    check(madvise(area, PAGES * PAGE, MADV_DONTNEED) == 0);
    struct range range = {(uintptr_t)area, PAGES * PAGE, MISSING, 0};
    check(ioctl(fault_fd, UFFDIO_REGISTER, &range) == 0);
    crew(CREW, work);
    say("%d pages filled", PAGES);
}
