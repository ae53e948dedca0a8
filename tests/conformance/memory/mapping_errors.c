/* Calls about memory that must fail do so with the same error from every thread, and change nothing.
 * calls: mmap munmap mprotect mremap madvise mincore msync */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 2 };
static byte *area;

#define refused(call, error)                                                                                           \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        check((intptr_t)(call) == -1);                                                                                 \
        if (errno != (error))                                                                                          \
            die("%s", #call);                                                                                          \
    } while (0)

static void work(int me) {
    if (me == 0)
        fill(area, 4 * PAGE, 3);
    meet();
    byte where[8];
    int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    refused(mmap(NULL, 0, PROT_READ, anonymous, -1, 0), EINVAL);
    refused(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
    refused(mmap(area + 1, PAGE, PROT_READ, anonymous | MAP_FIXED, -1, 0), EINVAL);
    refused(mmap(NULL, (size_t)1 << 47, PROT_READ, anonymous, -1, 0), ENOMEM);
    refused(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 9999, 0), EBADF);
    refused(munmap(area + 1, PAGE), EINVAL);
    refused(munmap(area, 0), EINVAL);
    refused(syscall(SYS_mprotect, area + 1, PAGE, PROT_READ), EINVAL);
    refused(mremap(area, 4 * PAGE, 8 * PAGE, 0), ENOMEM);
    refused(mremap(area, PAGE, 0, 0), EINVAL);
    refused(mremap(area + 1, PAGE, PAGE, 0), EINVAL);
    refused(madvise(area, PAGE, 9999), EINVAL);
    refused(msync(area, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
    refused(mincore(area, 4 * PAGE, where - (uintptr_t)where), EFAULT);
    meet();
    expect(area, 4 * PAGE, 3);
    /* A hole in the middle: what comes before it is changed nevertheless. */
    meet();
    if (me == 1) {
        check(munmap(area + 2 * PAGE, PAGE) == 0);
        refused(mprotect(area, 4 * PAGE, PROT_READ), ENOMEM);
        refused(mincore(area, 4 * PAGE, where), ENOMEM);
        refused(msync(area, 4 * PAGE, MS_ASYNC), ENOMEM);
        refused(madvise(area, 4 * PAGE, MADV_DONTNEED), ENOMEM);
        check(munmap(area + 2 * PAGE, PAGE) == 0);
        check(mprotect(area, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
    }
    meet();
    expect_zero(area, 2 * PAGE);
    expect_zero(area + 3 * PAGE, PAGE);
    meet();
    if (me == 0)
        fill(area, 2 * PAGE, 8);
    meet();
    expect(area, 2 * PAGE, 8);
}

BODY {
    area = map_island(4);
    crew(CREW, work);
    say("all refused");
}
