/* A crowd that does a bit of everything for a while: `crowd THREADS SECONDS`. Its memory does not grow. At the end it
 * proves that nothing was lost, and prints nothing that depends on how far it came. */
#include "common.h"

#include <sched.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { SHARED_PAGES = 4096, SLOTS = PAGE / sizeof(uint64_t) };

static size_t threads;
static _Atomic bool over;
static uint64_t (*shared)[SLOTS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint64_t locked;
static _Atomic uint64_t added, born;
static pthread_barrier_t started;

struct member {
    _Alignas(PAGE) uint64_t value, steps, locks, adds, births, writes;
};
static struct member members[MAX_THREADS];

static void *live_briefly(void *arg) {
    born++;
    return arg;
}

static void give_birth(struct member *me) {
    pthread_t child;
    void *result;
    must(pthread_create(&child, NULL, live_briefly, me), "pthread_create");
    must(pthread_join(child, &result), "pthread_join");
    if (result != me)
        die("a thread's result is another's");
    me->births++;
}

/* Heap and mappings of many sizes, given back at once. */
static void use_memory(uint64_t random) {
    size_t size = 16u << random % 12;
    unsigned char *block = malloc(size);
    if (!block)
        die("malloc: %s", strerror(errno));
    memset(block, (int)random, size);
    if (block[size - 1] != (unsigned char)random)
        die("fresh memory does not keep what is written");
    free(block);
    size = PAGE * (1 + random % 32);
    uint64_t *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        die("mmap: %s", strerror(errno));
    for (size_t at = 0; at < size / sizeof *pages; at += SLOTS) {
        if (pages[at] != 0)
            die("fresh memory is not zero");
        pages[at] = random;
    }
    if (random % 3 == 0 && madvise(pages, PAGE, MADV_DONTNEED) == 0 && pages[0] != 0)
        die("dropped memory is not zero");
    munmap(pages, size);
}

static void take_lock(struct member *me) {
    must(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
    locked++;
    me->locks++;
    if (me->locks % 4 == 0)
        must(pthread_cond_broadcast(&changed), "pthread_cond_broadcast");
    if (me->locks % 8 == 1) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 20000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&changed, &mutex, &until);
    }
    must(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
}

static void *be_one(void *arg) {
    size_t index = (size_t)arg;
    struct member *me = &members[index];
    me->value = index;
    uint64_t random = index * 2654435761u + 1;
    int ends[2], byte = 0;
    if (index % 8 == 0 && pipe(ends) != 0)
        die("pipe: %s", strerror(errno));
    wait_at(&started);
    while (!over) {
        me->value = lcg_walk(me->value, 20000);
        me->steps += 20000;
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint64_t chance = random >> 33;
        shared[chance % SHARED_PAGES][index]++;
        me->writes++;
        added++;
        me->adds++;
        switch (chance / SHARED_PAGES % 6) {
        case 0:
            use_memory(chance);
            break;
        case 1:
            take_lock(me);
            break;
        case 2:
            nanosleep(&(struct timespec){0, 2000000}, NULL);
            break;
        case 3:
            sched_yield();
            break;
        case 4:
            if (index % 16 == 1)
                give_birth(me);
            break;
        default:
            if (index % 8 == 0 && (write(ends[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1))
                die("a pipe: %s", strerror(errno));
        }
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 3 || (threads = (size_t)atoi(argv[1])) < 1 || threads > MAX_THREADS)
        die("how many threads, how many seconds?");
    shared = mmap(NULL, SHARED_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        die("mmap: %s", strerror(errno));
    must(pthread_barrier_init(&started, NULL, (unsigned)threads + 1), "pthread_barrier_init");
    pthread_t ids[MAX_THREADS];
    for (size_t i = 0; i < threads; i++)
        must(pthread_create(&ids[i], NULL, be_one, (void *)i), "pthread_create");
    wait_at(&started);
    puts("ready");
    fflush(stdout);
    struct timespec left = {atoi(argv[2]), 0};
    while (nanosleep(&left, &left) != 0)
        ;
    over = true;
    uint64_t locks = 0, adds = 0, births = 0;
    for (size_t i = 0; i < threads; i++) {
        must(pthread_join(ids[i], NULL), "pthread_join");
        struct member *one = &members[i];
        if (one->value != lcg_jump(i, one->steps))
            die("thread %zu lost its place", i);
        uint64_t writes = 0;
        for (size_t page = 0; page < SHARED_PAGES; page++)
            writes += shared[page][i];
        if (writes != one->writes)
            die("thread %zu wrote %" PRIu64 " words of %" PRIu64, i, writes, one->writes);
        locks += one->locks;
        adds += one->adds;
        births += one->births;
    }
    if (locks != locked || adds != added || births != born)
        die("%" PRIu64 " locks, %" PRIu64 " adds, %" PRIu64 " births are not all there", locks, adds, births);
    puts("nothing was lost");
    return 0;
}
