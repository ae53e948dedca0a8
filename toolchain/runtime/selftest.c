/* Testing without a supervisor (-frtx-selftest). Environment:
 *   RTX_SELFTEST_INPLACE=N  every N-th equivalence point: leave, and come back in place
 *   RTX_SELFTEST_STOP=N     at the N-th point, counted from 0: leave, write the shared state to
 *   RTX_SELFTEST_DUMP=FILE  this file, exit with 42 (one thread only)
 *   RTX_SELFTEST_RESUME=FILE  go on with that state, on any instruction set
 *   RTX_SELFTEST_JUMP=1     come back at __rtx_resume, as a supervisor would let the thread do
 *   RTX_SELFTEST_COUNT=1    at the end: print the number of points to stderr
 *   RTX_SELFTEST_ARENA=1    put memory where a later run can put it too (implied by DUMP and RESUME) */
#define _GNU_SOURCE
#include "rtx.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARENA ((char *)0x2000000000UL)
#define ARENA_BYTES (1UL << 36)

HIDDEN _Noreturn void __rtx_die(const char *text);
extern char __rtx_data_start[], __rtx_data_end[];
extern char **__environ;
extern char *__progname, *__progname_full;
/* libc's: consulted for anonymous mappings, its vDSO and its auxiliary vector. */
extern void *(*__rtx_mmap_hook)(size_t bytes, int protection);
extern void *volatile __rtx_vdso_clock_gettime;
HIDDEN size_t **__rtx_auxv(void);
HIDDEN void __rtx_new_thread_id(void);

_Noreturn void __rtx_jump(struct rtx_header *h, void *stack);

/* What goes into the file besides memory. */
struct state {
    uint64_t polls;
    char *arena_end;
    struct rtx_header *header;
    struct rtx_words words;
};

static long stop_at = -1, every;
static int jump;
static const char *dump_file;
static _Atomic uint64_t polls;
static char *_Atomic arena_end;

static void *in_arena(size_t bytes, int protection) {
    bytes = (bytes + 65535) & ~65535UL;
    char *at = atomic_fetch_add((_Atomic(uintptr_t) *)&arena_end, bytes) + (char *)0;
    if (at + bytes > ARENA + ARENA_BYTES)
        return MAP_FAILED;
    return mmap(at, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

int __rtx_selftest_asks(void) {
    uint64_t n = atomic_fetch_add(&polls, 1);
    return every ? n % (uint64_t)every == (uint64_t)every - 1 : stop_at >= 0 && n == (uint64_t)stop_at;
}

static void put(int fd, const void *from, size_t bytes) {
    for (const char *p = from; bytes;) {
        ssize_t n = write(fd, p, bytes);
        if (n <= 0)
            __rtx_die("cannot write the file of RTX_SELFTEST_DUMP");
        p += n, bytes -= (size_t)n;
    }
}

static void get(int fd, void *to, size_t bytes) {
    for (char *p = to; bytes;) {
        ssize_t n = read(fd, p, bytes);
        if (n <= 0)
            __rtx_die("cannot read the file of RTX_SELFTEST_RESUME");
        p += n, bytes -= (size_t)n;
    }
}

struct range {
    uintptr_t begin, end;
    int protection;
};

static int read_line(int fd, char *line, size_t room) {
    size_t n = 0;
    for (char c; n + 1 < room && read(fd, &c, 1) == 1 && c != '\n';)
        line[n++] = c;
    line[n] = 0;
    return n > 0;
}

/* Parts of the arena, as the kernel has them. */
static size_t arena_ranges(struct range *list, size_t room) {
    int maps = open("/proc/self/maps", O_RDONLY);
    if (maps < 0)
        __rtx_die("cannot read /proc/self/maps");
    size_t count = 0;
    char line[512];
    while (read_line(maps, line, sizeof line)) {
        char *next;
        uintptr_t begin = strtoul(line, &next, 16), end = strtoul(next + 1, &next, 16);
        if (begin < (uintptr_t)ARENA || end > (uintptr_t)ARENA + ARENA_BYTES)
            continue;
        if (count == room)
            __rtx_die("too many mappings for RTX_SELFTEST_DUMP");
        list[count++] = (struct range){begin, end, (next[1] == 'r' ? PROT_READ : 0) | (next[2] == 'w' ? PROT_WRITE : 0)};
    }
    close(maps);
    return count;
}

static int is_zero(const char *page) {
    for (size_t i = 0; i < 4096; i += 8)
        if (*(const uint64_t *)(page + i))
            return 0;
    return 1;
}

void __rtx_selftest_parked(struct rtx_header *h) {
    if (jump)
        __rtx_jump(h, (void *)h->stack_top);
    if (stop_at < 0)
        return;
    int fd = open(dump_file, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (fd < 0)
        __rtx_die("cannot create the file of RTX_SELFTEST_DUMP");
    struct state s = {polls, arena_end, h, *(struct rtx_words *)(h->thread + 48)};
    static struct range list[4096];
    uint64_t count = arena_ranges(list, 4096);
    size_t data = (size_t)(__rtx_data_end - __rtx_data_start);
    put(fd, &s, sizeof s);
    put(fd, &data, sizeof data);
    put(fd, __rtx_data_start, data);
    put(fd, &count, sizeof count);
    for (size_t i = 0; i < count; i++) {
        put(fd, &list[i], sizeof list[i]);
        if (!(list[i].protection & PROT_READ))
            continue;
        for (uintptr_t page = list[i].begin; page < list[i].end; page += 4096)
            if (!is_zero((char *)page)) {
                put(fd, &page, sizeof page);
                put(fd, (char *)page, 4096);
            }
        put(fd, &(uintptr_t){0}, sizeof(uintptr_t));
    }
    close(fd);
    _exit(42);
}

static struct rtx_header *restore(const char *file) {
    int fd = open(file, O_RDONLY);
    if (fd < 0)
        __rtx_die("cannot open the file of RTX_SELFTEST_RESUME");
    struct state s;
    size_t data, count;
    get(fd, &s, sizeof s);
    get(fd, &data, sizeof data);
    if (data != (size_t)(__rtx_data_end - __rtx_data_start))
        __rtx_die("the file of RTX_SELFTEST_RESUME is of another program");
    /* What belongs to this process and not to the program. */
    size_t *auxv = *__rtx_auxv();
    void *vdso = __rtx_vdso_clock_gettime;
    get(fd, __rtx_data_start, data);
    *__rtx_auxv() = auxv;
    __rtx_vdso_clock_gettime = vdso;
    get(fd, &count, sizeof count);
    for (size_t i = 0; i < count; i++) {
        struct range r;
        get(fd, &r, sizeof r);
        int first = r.protection & PROT_READ ? PROT_READ | PROT_WRITE : PROT_NONE;
        if (mmap((void *)r.begin, r.end - r.begin, first, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) ==
            MAP_FAILED)
            __rtx_die("cannot map the memory of RTX_SELFTEST_RESUME");
        uintptr_t page;
        if (first == PROT_NONE)
            continue;
        for (get(fd, &page, sizeof page); page; get(fd, &page, sizeof page))
            get(fd, (char *)page, 4096);
        mprotect((void *)r.begin, r.end - r.begin, r.protection);
    }
    close(fd);
    __rtx_new_thread_id();
    polls = s.polls;
    arena_end = s.arena_end;
    *(struct rtx_words *)(s.header->thread + 48) = s.words;
    return s.header;
}

static char **into_arena(char **list) {
    size_t count = 0;
    while (list[count])
        count++;
    char **copy = calloc(count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = strdup(list[i]);
    return copy;
}

struct rtx_header *__rtx_selftest_begin(int *argc, char ***argv, char ***envp) {
    (void)argc;
    const char *text;
    if ((text = getenv("RTX_SELFTEST_INPLACE")))
        every = atol(text);
    if ((text = getenv("RTX_SELFTEST_STOP")))
        stop_at = atol(text);
    jump = getenv("RTX_SELFTEST_JUMP") != 0;
    dump_file = getenv("RTX_SELFTEST_DUMP");
    const char *from = getenv("RTX_SELFTEST_RESUME");
    if (every || stop_at >= 0 || getenv("RTX_SELFTEST_COUNT"))
        __rtx_indicator = 1;
    if (stop_at >= 0 && !dump_file)
        __rtx_die("RTX_SELFTEST_STOP needs RTX_SELFTEST_DUMP");
    if (from)
        return restore(from);
    if (dump_file) {
        *argv = into_arena(*argv);
        *envp = __environ = into_arena(*envp);
        __progname_full = __progname = (*argv)[0];
    }
    return 0;
}

void __rtx_selftest_end(void) {
    if (getenv("RTX_SELFTEST_COUNT")) {
        fflush(0);
        dprintf(2, "points %llu\n", (unsigned long long)polls);
    }
}

/* Before anything is mapped: called by the runtime when libc begins. */
HIDDEN void __rtx_selftest_early(void) {
    int wanted = 0;
    for (char **e = __environ; *e; e++)
        wanted |= !strncmp(*e, "RTX_SELFTEST_DUMP=", 18) || !strncmp(*e, "RTX_SELFTEST_RESUME=", 20) ||
                  !strncmp(*e, "RTX_SELFTEST_ARENA=", 19);
    if (!wanted)
        return;
    arena_end = ARENA;
    __rtx_mmap_hook = in_arena;
}
