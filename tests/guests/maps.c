/* Child threads change the memory map: mmap, munmap, mprotect, mremap, madvise, brk; what one does the others see. */
#include "common.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES 64

static pthread_barrier_t step;
static unsigned char *region;
static _Atomic uint64_t sums;

static unsigned char *map_pages(size_t pages) {
    void *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        die("mmap: %s", strerror(errno));
    return memory;
}

static void fill(unsigned char *memory, size_t pages, unsigned char salt) {
    for (size_t at = 0; at < pages * PAGE; at += 64)
        memory[at] = (unsigned char)(at / 64 * 7 + salt);
}

static void expect(const unsigned char *memory, size_t pages, unsigned char salt, const char *when) {
    for (size_t at = 0; at < pages * PAGE; at += 64)
        if (memory[at] != (unsigned char)(at / 64 * 7 + salt))
            die("byte %zu is wrong %s", at, when);
}

static void expect_zero(const unsigned char *memory, size_t pages, const char *when) {
    for (size_t at = 0; at < pages * PAGE; at += 64)
        if (memory[at])
            die("byte %zu is not zero %s", at, when);
}

/* Thread 0 acts, then both look: one round for each way to change the map. */
static void *act_and_look(void *arg) {
    bool acts = arg == NULL;
    for (int round = 0; round < 5; round++) {
        unsigned char salt = (unsigned char)round;
        if (acts) {
            region = map_pages(PAGES);
            fill(region, PAGES, salt);
        }
        wait_at(&step);
        expect(region, PAGES, salt, "after mmap");
        wait_at(&step);
        if (acts)
            region = mremap(region, PAGES * PAGE, 4 * PAGES * PAGE, MREMAP_MAYMOVE);
        wait_at(&step);
        expect(region, PAGES, salt, "after mremap");
        expect_zero(region + PAGES * PAGE, 3 * PAGES, "after mremap");
        wait_at(&step);
        if (acts) {
            fill(region, 4 * PAGES, salt);
            madvise(region + PAGES * PAGE, PAGES * PAGE, MADV_DONTNEED);
        }
        wait_at(&step);
        expect_zero(region + PAGES * PAGE, PAGES, "after madvise");
        wait_at(&step);
        if (acts) {
            /* New pages at an address that the others have seen with other content. */
            munmap(region, 4 * PAGES * PAGE);
            void *again = mmap(region, 4 * PAGES * PAGE, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
            if (again != region)
                die("mmap at a given place: %s", strerror(errno));
        }
        wait_at(&step);
        expect_zero(region, 4 * PAGES, "after munmap and mmap");
        wait_at(&step);
        if (acts)
            munmap(region, 4 * PAGES * PAGE);
    }
    return NULL;
}

/* The kernel must refuse what the protection forbids, for every thread. */
static void *use_protected(void *arg) {
    bool acts = arg == NULL;
    if (acts) {
        region = map_pages(PAGES);
        fill(region, PAGES, 9);
    }
    wait_at(&step);
    expect(region, PAGES, 9, "before mprotect");
    region[PAGE] = region[PAGE]; /* the page is writable here */
    wait_at(&step);
    if (acts)
        mprotect(region, PAGES * PAGE, PROT_READ);
    wait_at(&step);
    int zero = open("/dev/zero", O_RDONLY);
    ssize_t result = read(zero, region + PAGE, 16);
    if (result != -1 || errno != EFAULT)
        die("a read into a read-only page gave %zd", result);
    close(zero);
    expect(region, PAGES, 9, "after mprotect");
    wait_at(&step);
    if (acts)
        mprotect(region, PAGES * PAGE, PROT_READ | PROT_WRITE);
    wait_at(&step);
    if (acts)
        region[PAGE] = 1;
    wait_at(&step);
    if (region[PAGE] != 1)
        die("a write after mprotect was lost");
    return NULL;
}

/* A file that is mapped: private pages are one's own, and what is read is the file's. */
static void *map_file(void *arg) {
    (void)arg;
    char name[] = "mapXXXXXX";
    int file = mkstemp(name);
    unlink(name);
    for (size_t i = 0; i < PAGES; i++) {
        unsigned char page[PAGE];
        memset(page, (int)i + 1, PAGE);
        if (write(file, page, PAGE) != (ssize_t)PAGE)
            die("cannot write the file");
    }
    unsigned char *mine = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    const unsigned char *view = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_SHARED, file, 0);
    if (mine == MAP_FAILED || view == MAP_FAILED)
        die("cannot map the file");
    mine[0] = 77;
    for (size_t i = 0; i < PAGES; i++) {
        if (view[i * PAGE] != i + 1 || mine[i * PAGE + 1] != i + 1)
            die("page %zu of the file is wrong", i);
        sums += view[i * PAGE];
    }
    munmap(mine, PAGES * PAGE);
    munmap((void *)view, PAGES * PAGE);
    close(file);
    return NULL;
}

/* Many short-lived mappings, as of a large allocation that comes and goes. */
static void *come_and_go(void *arg) {
    for (size_t i = 0; i < 50; i++) {
        unsigned char *memory = map_pages(16);
        expect_zero(memory, 16, "in a new mapping");
        fill(memory, 16, (unsigned char)(i + (size_t)arg));
        expect(memory, 16, (unsigned char)(i + (size_t)arg), "in a mapping of one's own");
        munmap(memory, 16 * PAGE);
    }
    return NULL;
}

int main(void) {
    must(pthread_barrier_init(&step, NULL, 2), "pthread_barrier_init");
    run_threads(2, act_and_look);
    printf("changes are seen\n");
    run_threads(2, use_protected);
    printf("protection holds\n");
    run_threads(2, map_file);
    printf("files are mapped, sum %" PRIu64 "\n", sums);
    run_threads(2, come_and_go);
    printf("mappings come and go\n");
    return 0;
}
