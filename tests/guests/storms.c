/* Threads drop and protect memory as fast as they can, each its own and in turn all the same, while a timer interrupts
 * them: no call may fail, and no page may come back. */
#include "common.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

#define THREADS 8
#define PAGES 16
#define ROUNDS 40

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static unsigned char *common;
static size_t turns;

static unsigned char *map_pages(size_t pages) {
    void *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        die("mmap: %s", strerror(errno));
    return memory;
}

static void expect(const unsigned char *memory, size_t pages, unsigned char value, const char *when) {
    for (size_t at = 0; at < pages * PAGE; at += 512)
        if (memory[at] != value)
            die("byte %zu is %d, not %d, %s", at, memory[at], value, when);
}

static void drop(unsigned char *memory, size_t pages) {
    if (madvise(memory, pages * PAGE, MADV_DONTNEED))
        die("madvise: %s", strerror(errno));
}

static void protect(unsigned char *memory, size_t pages, int rights) {
    if (mprotect(memory, pages * PAGE, rights))
        die("mprotect: %s", strerror(errno));
}

static void *storm(void *arg) {
    unsigned char *own = map_pages(PAGES), me = (unsigned char)((size_t)arg + 1);
    for (size_t round = 0; round < ROUNDS; round++) {
        memset(own, me, PAGES * PAGE);
        protect(own, PAGES, round % 2 ? PROT_READ : PROT_NONE);
        protect(own, PAGES, PROT_READ | PROT_WRITE);
        expect(own, PAGES, me, "after protection");
        drop(own, PAGES / 2);
        expect(own, PAGES / 2, 0, "after a drop");
        expect(own + PAGES / 2 * PAGE, PAGES / 2, me, "beside a drop");
        lock(&turn);
        expect(common, PAGES, 0, "in common memory");
        memset(common, me, PAGES * PAGE);
        drop(common, PAGES);
        turns++;
        unlock(&turn);
    }
    munmap(own, PAGES * PAGE);
    return NULL;
}

static void on_alarm(int signal) {
    (void)signal;
}

int main(void) {
    common = map_pages(PAGES);
    struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART: calls that may be interrupted are */
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = {{0, 500}, {0, 500}};
    setitimer(ITIMER_REAL, &often, NULL);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        must(pthread_create(&threads[i], NULL, storm, (void *)i), "pthread_create");
    storm((void *)THREADS);
    for (size_t i = 0; i < THREADS; i++)
        must(pthread_join(threads[i], NULL), "pthread_join");
    struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &never, NULL);
    printf("%zu turns\n", turns);
    return 0;
}
