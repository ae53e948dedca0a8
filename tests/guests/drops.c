/* The main thread, which stays home, drops memory and takes rights away; a child thread that works on the same memory
 * must notice. What the kernel answers is printed, and so compared with a native run. */
#include "common.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGES 64
#define DONTNEED_LOCKED 24

static pthread_barrier_t step;
static unsigned char *region;
static size_t frees; /* pages of zeros after MADV_FREE */

static unsigned char *map_pages(size_t pages) {
    void *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        die("mmap: %s", strerror(errno));
    return memory;
}

static void fill(size_t from, size_t to, unsigned char value) {
    for (size_t page = from; page < to; page++)
        memset(region + page * PAGE, value + (int)page % 7, PAGE);
}

static bool page_is(size_t page, unsigned char value) {
    for (size_t at = 0; at < PAGE; at++)
        if (region[page * PAGE + at] != value)
            return false;
    return true;
}

static void expect(size_t from, size_t to, unsigned char value, const char *when) {
    for (size_t page = from; page < to; page++)
        if (!page_is(page, value ? (unsigned char)(value + page % 7) : 0))
            die("page %zu is wrong %s", page, when);
}

/* musl has no function for it. */
static int protect_with_key(void *start, size_t bytes, int rights, int key) {
    return (int)syscall(SYS_pkey_mprotect, start, bytes, rights, key);
}

static void told(const char *what, int result) {
    printf("%s: %s\n", what, result ? strerror(errno) : "done");
}

/* Two sides, in turn: the child's and main's. */
#define TURN wait_at(&step)

static void drop_child(void) {
    fill(0, PAGES, 10);
    TURN;
    TURN; /* dropped */
    expect(0, PAGES, 0, "after MADV_DONTNEED");
    fill(0, PAGES / 2, 20);
    TURN;
    TURN; /* seen, and dropped in part */
    expect(0, 8, 20, "beside what was dropped");
    expect(8, 16, 0, "after a second MADV_DONTNEED");
    expect(16, PAGES / 2, 20, "beside what was dropped");
    TURN;
    TURN; /* written at home */
    expect(0, PAGES, 30, "written at home after a drop");
    TURN;
}

static void drop_main(void) {
    TURN;
    expect(0, PAGES, 10, "before");
    told("drop", madvise(region, PAGES * PAGE, MADV_DONTNEED));
    TURN;
    TURN;
    expect(0, PAGES / 2, 20, "written after a drop");
    expect(PAGES / 2, PAGES, 0, "not written after a drop");
    told("drop some", madvise(region + 8 * PAGE, 8 * PAGE - 1, MADV_DONTNEED));
    TURN;
    TURN;
    told("drop nothing", madvise(region, 0, MADV_DONTNEED));
    told("drop all", madvise(region, PAGES * PAGE, MADV_DONTNEED));
    fill(0, PAGES, 30);
    TURN;
    TURN;
}

/* After MADV_FREE a page is as it was or zero; once it was seen to be zero it stays so; what is written stays. */
static void free_child(void) {
    fill(0, PAGES, 40);
    TURN;
    TURN;
    for (size_t page = 0; page < PAGES; page++) {
        bool zero = page_is(page, 0);
        if (!zero && !page_is(page, (unsigned char)(40 + page % 7)))
            die("page %zu is neither as it was nor zero", page);
        frees |= zero ? (size_t)1 << page : 0;
    }
    TURN;
    TURN;
    expect(0, 4, 50, "written after MADV_FREE");
    TURN;
}

static void free_main(void) {
    TURN;
    told("free", madvise(region, PAGES * PAGE, MADV_FREE));
    TURN;
    TURN;
    for (size_t page = 0; page < PAGES; page++)
        if (frees >> page & 1 && !page_is(page, 0))
            die("page %zu came back", page);
    fill(0, 4, 50);
    TURN;
    TURN;
}

/* A gap does not stop the kernel, a locked page does. */
static void gap_child(void) {
    fill(0, PAGES, 60);
    TURN;
    TURN; /* a gap at 8, dropped from 4 to 16 */
    expect(0, 4, 60, "before the gap");
    expect(4, 8, 0, "before the gap");
    expect(9, 16, 0, "after the gap");
    expect(16, PAGES, 60, "after the gap");
    TURN;
    TURN; /* locked at 24, dropped from 20 to 28 */
    expect(20, 24, 0, "before the locked page");
    expect(24, 28, 60, "from the locked page on");
    TURN;
    TURN; /* the locked one too */
    expect(20, 28, 0, "dropped although locked");
    TURN;
}

static void gap_main(void) {
    TURN;
    munmap(region + 8 * PAGE, PAGE);
    told("drop around a gap", madvise(region + 4 * PAGE, 12 * PAGE, MADV_DONTNEED));
    TURN;
    TURN;
    told("lock", mlock(region + 24 * PAGE, PAGE));
    told("drop around a locked page", madvise(region + 20 * PAGE, 8 * PAGE, MADV_DONTNEED));
    TURN;
    TURN;
    told("drop locked", madvise(region + 20 * PAGE, 8 * PAGE, DONTNEED_LOCKED));
    told("unlock", munlock(region + 24 * PAGE, PAGE));
    TURN;
    TURN;
    told("drop a bad address", madvise(region + 1, PAGE, MADV_DONTNEED));
    told("drop too much", madvise(region, SIZE_MAX - PAGE, MADV_DONTNEED));
    told("drop what is not there", madvise(region + 8 * PAGE, PAGE, MADV_DONTNEED));
}

static sigjmp_buf back;
static void *volatile faulted;

static void on_fault(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    faulted = info->si_addr;
    siglongjmp(back, 1);
}

/* Does it: true if it was allowed. */
static bool may(size_t page, bool write) {
    volatile unsigned char *at = region + page * PAGE + 5;
    faulted = NULL;
    if (sigsetjmp(back, 1)) {
        if (faulted != at)
            die("the fault was at %p, not at %p", faulted, (void *)at);
        return false;
    }
    if (write)
        *at = *at;
    else
        (void)*at;
    return true;
}

static void expect_rights(const char *rights, const char *when) {
    for (size_t page = 0; page < PAGES; page += 9) {
        bool reads = may(page, false), writes = may(page, true);
        if (reads != (rights[0] == 'r') || writes != (rights[1] == 'w'))
            die("page %zu: read %d, write %d %s", page, reads, writes, when);
    }
}

static void protect_child(void) {
    fill(0, PAGES, 70);
    expect_rights("rw", "at first");
    TURN;
    TURN;
    expect_rights("r-", "after mprotect(READ)");
    expect(0, PAGES, 70, "read-only");
    TURN;
    TURN;
    expect_rights("rw", "after mprotect(READ | WRITE)");
    fill(0, PAGES, 80);
    TURN;
    TURN;
    expect_rights("--", "after mprotect(NONE)");
    TURN;
    TURN;
    expect_rights("r-", "after pkey_mprotect(READ)");
    expect(0, PAGES, 80, "after it was hidden");
    TURN;
    TURN;
    expect_rights("rw", "in the end");
    TURN;
}

static void protect_main(void) {
    TURN;
    told("protect", mprotect(region, PAGES * PAGE, PROT_READ));
    TURN;
    TURN;
    told("unprotect", mprotect(region, PAGES * PAGE, PROT_READ | PROT_WRITE));
    TURN;
    TURN;
    told("hide", mprotect(region, PAGES * PAGE, PROT_NONE));
    TURN;
    TURN;
    told("show", protect_with_key(region, PAGES * PAGE, PROT_READ, -1));
    TURN;
    TURN;
    told("unprotect", mprotect(region, PAGES * PAGE, PROT_READ | PROT_WRITE));
    TURN;
    TURN;
    told("protect a bad address", mprotect(region + 1, PAGE, PROT_READ));
    told("protect with bad rights", mprotect(region, PAGE, 1 << 20));
    told("protect with no such key", protect_with_key(region, PAGE, PROT_READ, 15));
    munmap(region + 8 * PAGE, PAGE);
    told("protect over a gap", mprotect(region, PAGES * PAGE, PROT_READ));
    told("and back", mprotect(region, 8 * PAGE, PROT_READ | PROT_WRITE));
}

/* A shared segment takes the place of memory. */
static void attach_child(void) {
    fill(0, PAGES, 90);
    TURN;
    TURN;
    expect(0, 8, 100, "of the segment");
    expect(8, PAGES, 90, "beside the segment");
    region[PAGE] = 1;
    TURN;
}

static void attach_main(void) {
    TURN;
    int id = shmget(IPC_PRIVATE, 8 * PAGE, 0600);
    void *at = shmat(id, region, SHM_REMAP);
    told("attach", at == region ? 0 : -1);
    told("forget", shmctl(id, IPC_RMID, NULL));
    fill(0, 8, 100);
    TURN;
    TURN;
    printf("the segment has %d\n", region[PAGE]);
    told("detach", shmdt(region));
}

static const struct {
    const char *name;
    void (*child)(void), (*main)(void);
} parts[] = {
    {"drop", drop_child, drop_main},          {"free", free_child, free_main},
    {"gaps", gap_child, gap_main},            {"attach", attach_child, attach_main},
    /* The last one: it uses a protection key, with which boards are left for good. */
    {"protect", protect_child, protect_main},
};

static void *child(void *arg) {
    parts[(size_t)arg].child();
    return NULL;
}

int main(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    must(pthread_barrier_init(&step, NULL, 2), "pthread_barrier_init");
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        region = map_pages(PAGES);
        pthread_t thread;
        must(pthread_create(&thread, NULL, child, (void *)i), "pthread_create");
        parts[i].main();
        must(pthread_join(thread, NULL), "pthread_join");
        munmap(region, PAGES * PAGE);
        printf("%s is the same everywhere\n", parts[i].name);
    }
    return 0;
}
