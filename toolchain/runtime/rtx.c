/* The in-guest runtime: leaving and coming back. Compiled for each instruction set, without equivalence
 * points. Its data is node-local: no node sees another's. */
#define _GNU_SOURCE
#include "rtx.h"

#include <errno.h>
#include <fenv.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "selftest.h"

volatile uint32_t __rtx_indicator;
struct rtx_requests __rtx_requests;

typedef void *(*resume_function)(void);
extern const resume_function __rtx_resume_table[];
extern const uint32_t __rtx_resume_count;
extern const uint8_t __rtx_note[];
extern int __rtx_user_main(int, char **, char **);
extern _Noreturn void __pthread_exit(void *);

#define NOTE_BUILD (16 + 8) /* bytes into the note: its head, version and instruction set come first */
#define MAPPING_HEAD 65536  /* header and first records */
#define GUARD 65536
#define MAIN_STACK_MAX (1UL << 30)

static inline char *self(void) {
    char *thread;
#ifdef __x86_64__
    __asm__("mov %%fs:0, %0" : "=r"(thread));
#else
    __asm__("mrs %0, tpidr_el0" : "=r"(thread));
#endif
    return thread;
}

static inline struct rtx_words *words_of(void *thread) { return (struct rtx_words *)((char *)thread + 48); }
static inline struct rtx_words *words(void) { return words_of(self()); }

HIDDEN _Noreturn void __rtx_die(const char *text) {
    static const char begin[] = "rtx runtime: ";
    (void)!write(2, begin, sizeof begin - 1);
    (void)!write(2, text, strlen(text));
    (void)!write(2, "\n", 1);
    _exit(99);
}

/* ---- a thread's memory ---- */

static size_t whole_pages(size_t bytes) { return (bytes + 4095) & ~(size_t)4095; }

/* One mapping: header and records | guard | data stack | guard. */
HIDDEN void __rtx_thread_begin(void *thread, void *stack_low, size_t stack_bytes) {
    struct rtx_words *w = words_of(thread);
    memset(w, 0, sizeof *w);
    size_t data = whole_pages(stack_bytes), bytes = MAPPING_HEAD + GUARD + data + GUARD;
    char *map = mmap(0, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return;
    char *low = map + MAPPING_HEAD + GUARD;
    if (mprotect(map, MAPPING_HEAD, PROT_READ | PROT_WRITE) || mprotect(low, data, PROT_READ | PROT_WRITE)) {
        munmap(map, bytes);
        return;
    }
    struct rtx_header *h = (void *)map;
    h->magic = RTX_MAGIC;
    h->abi = RTX_ABI;
    memcpy(h->build, __rtx_note + NOTE_BUILD, sizeof h->build);
    h->thread = (uintptr_t)thread;
    h->stack_low = (uintptr_t)stack_low;
    h->data_low = (uintptr_t)low;
    h->data_top = (uintptr_t)low + data;
    h->records = (uintptr_t)(map + 4096);
    h->records_room = MAPPING_HEAD - 4096;
    h->mapping = (uintptr_t)map;
    h->mapping_bytes = bytes;
    w->held = 1; /* until the base function takes over */
    w->data_stack = low;
    w->header = h;
}

HIDDEN void __rtx_thread_end(void *thread) {
    struct rtx_words *w = words_of(thread);
    struct rtx_header *h = w->header;
    if (!h)
        return;
    w->header = 0;
    if (h->records != h->mapping + 4096)
        munmap((void *)h->records, h->records_room);
    munmap((void *)h->mapping, h->mapping_bytes);
}

/* No thread-local variables, unless the program has some. */
struct rtx_tls {
    void *image;
    size_t bytes, rounded, alignment;
};
__attribute__((weak)) const struct rtx_tls __rtx_tls = {0};

HIDDEN void __rtx_begin_main(void) {
    __rtx_selftest_early();
    struct rlimit limit;
    size_t bytes = 64UL << 20;
    if (!getrlimit(RLIMIT_STACK, &limit) && limit.rlim_cur != RLIM_INFINITY)
        bytes = limit.rlim_cur < MAIN_STACK_MAX ? limit.rlim_cur : MAIN_STACK_MAX;
    __rtx_thread_begin(self(), 0, bytes);
}

/* ---- frames ---- */

static void grow(struct rtx_header *h, size_t needed) {
    size_t room = h->records_room * 2;
    while (room < h->records_bytes + needed)
        room *= 2;
    void *new = mmap(0, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (new == MAP_FAILED)
        __rtx_die("no memory for the frames of a thread that is moving; free some and run the program again");
    memcpy(new, (void *)h->records, h->records_bytes);
    if (h->records != h->mapping + 4096)
        munmap((void *)h->records, h->records_room);
    h->records = (uintptr_t)new;
    h->records_room = room;
}

void *__rtx_push(uint32_t function, uint32_t site, uint32_t bytes) {
    struct rtx_header *h = words()->header;
    size_t total = 8 + (size_t)bytes + sizeof(struct rtx_trailer);
    if (total > UINT32_MAX)
        __rtx_die("a frame of 4 GiB cannot move");
    if (h->records_bytes + total > h->records_room)
        grow(h, total);
    char *record = (char *)h->records + h->records_bytes;
    *(uint64_t *)record = site;
    *(struct rtx_trailer *)(record + 8 + bytes) = (struct rtx_trailer){function, site, bytes, (uint32_t)total};
    h->records_bytes += total;
    h->frames++;
    return record + 8;
}

static struct rtx_trailer *last_record(struct rtx_header *h) {
    if (h->records_bytes < sizeof(struct rtx_trailer))
        __rtx_die("a continuation ends before its innermost frame");
    return (struct rtx_trailer *)(h->records + h->records_bytes) - 1;
}

void *__rtx_pop(uint32_t function) {
    struct rtx_header *h = words()->header;
    struct rtx_trailer *t = last_record(h);
    if (t->function != function || t->total > h->records_bytes)
        __rtx_die("a frame of another function was found; the files for the instruction sets do not match");
    h->records_bytes -= t->total;
    h->frames--;
    return (char *)h->records + h->records_bytes;
}

resume_function __rtx_next(void) {
    struct rtx_trailer *t = last_record(words()->header);
    if (t->function >= __rtx_resume_count)
        __rtx_die("a frame of an unknown function was found; the files for the instruction sets do not match");
    return __rtx_resume_table[t->function];
}

void __rtx_arrived(void) {
    struct rtx_words *w = words();
    if (w->header->records_bytes)
        __rtx_die("frames are left after the innermost one");
    w->data_stack = (char *)w->header->data_stack;
    w->header->state = RTX_RUNNING;
    w->mode = RTX_NORMAL;
}

/* ---- equivalence points ---- */

static int is_asked(uint64_t thread) {
    const struct rtx_requests *r = &__rtx_requests;
    if (__atomic_load_n(&r->all, __ATOMIC_RELAXED))
        return 1;
    uint32_t count = __atomic_load_n(&r->count, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < count && i < RTX_REQUESTS; i++)
        if (__atomic_load_n(&r->thread[i], __ATOMIC_RELAXED) == thread)
            return 1;
    return 0;
}

__attribute__((preserve_most)) uint32_t __rtx_slow(void) {
    char *thread = self();
    struct rtx_words *w = words_of(thread);
    if (w->held || w->mode != RTX_NORMAL)
        return 0;
    if (!is_asked((uintptr_t)thread) && !__rtx_selftest_asks())
        return 0;
    w->header->data_stack = (uintptr_t)w->data_stack;
    w->mode = RTX_UNWINDING;
    return 1;
}

/* Whether home wants the thread there, on home's instruction set, before it goes on. If not, it is held until
 * __rtx_is_home: the loop's point, at which somebody may ask it to leave again, is met once more. */
int __rtx_shall_leave(void) {
    int before = errno;
    uint32_t held = words()->held;
    long answer = syscall(RTX_HOME, held ? 1L : 0L);
    errno = before;
    int leaves = !answer && !held;
    if (!leaves)
        words()->held = held + 1;
    return leaves;
}

void __rtx_is_home(void) {
    words()->held--;
}

/* ---- the base function ---- */

/* Numbers of rounding modes as on x86-64; libc's fenv.h is that of x86-64 everywhere. */
static void park(struct rtx_words *w) {
    struct rtx_header *h = w->header;
    h->rounding = (uint32_t)fegetround();
#ifdef __x86_64__
    h->isa = 0;
#else
    h->isa = 1;
#endif
    h->hops++;
    h->state = RTX_PARKED;
    __rtx_selftest_parked(h);
    /* A supervisor does not let this return here: it resumes the thread at __rtx_resume, on some node.
     * Without one the call fails, and the thread goes on where it is. */
    int before = errno;
    syscall(RTX_PARK, h, sizeof *h);
    errno = before;
}

static uintptr_t rewind_thread(struct rtx_words *w) {
    w->header->state = RTX_RESUMING;
    w->mode = RTX_REWINDING;
    fesetround((int)w->header->rounding);
    return (uintptr_t)__rtx_next()();
}

static uintptr_t until_done(struct rtx_words *w, uintptr_t result) {
    while (w->mode == RTX_UNWINDING) {
        park(w);
        result = rewind_thread(w);
    }
    return result;
}

static void take_over(struct rtx_words *w, enum rtx_kind kind, void *top) {
    if (!w->header)
        __rtx_die("no memory for the data stack of the main thread");
    w->header->kind = kind;
    w->header->stack_top = (uintptr_t)top & ~(uintptr_t)15;
    w->held = 0;
}

HIDDEN void *__rtx_run_thread(void *(*start)(void *), void *argument, int c11) {
    struct rtx_words *w = words();
    take_over(w, c11 ? RTX_THREAD_C11 : RTX_THREAD, __builtin_frame_address(0));
    uintptr_t result =
        c11 ? (uintptr_t)(intptr_t)((int (*)(void *))(void *)start)(argument) : (uintptr_t)start(argument);
    result = until_done(w, result);
    w->held = 1;
    return (void *)(c11 ? (uintptr_t)(intptr_t)(int)result : result);
}

int main(int argc, char **argv, char **envp) {
    struct rtx_words *w = words();
    struct rtx_header *resumed = __rtx_selftest_begin(&argc, &argv, &envp);
    if (resumed) {
        void *top = __builtin_frame_address(0);
        resumed->stack_top = (uintptr_t)top & ~(uintptr_t)15;
        w->held = 0;
        int result = (int)until_done(w, rewind_thread(w));
        w->held = 1;
        return result;
    }
    take_over(w, RTX_MAIN, __builtin_frame_address(0));
    int result = (int)until_done(w, (uintptr_t)__rtx_user_main(argc, argv, envp));
    w->held = 1;
    __rtx_selftest_end();
    return result;
}

/* Called by arch/.../resume.S on the thread's own machine stack, all of which is free. */
HIDDEN _Noreturn void __rtx_resume_thread(struct rtx_header *h) {
    if (h->magic != RTX_MAGIC || h->abi != RTX_ABI || memcmp(h->build, __rtx_note + NOTE_BUILD, sizeof h->build))
        __rtx_die("the continuation is of another program, or of another version of rtx");
    struct rtx_words *w = words();
    w->held = 0;
    uintptr_t result = until_done(w, rewind_thread(w));
    w->held = 1;
    switch (h->kind) {
    case RTX_MAIN:
        exit((int)result);
    case RTX_THREAD_C11:
        __pthread_exit((void *)(uintptr_t)(intptr_t)(int)result);
    default:
        __pthread_exit((void *)result);
    }
}

/* ---- signals ---- */

/* Handlers run with the thread held: the frame under them is the kernel's. A handler may interrupt a thread
 * that is leaving or coming back, and then finds it in its normal mode. */
HIDDEN void __rtx_handle(int number, void *info, void *context, void (*handler)(int, void *, void *)) {
    struct rtx_words *w = words();
    uint32_t mode = w->mode, held = w->held;
    char *data = w->data_stack;
    w->mode = RTX_NORMAL;
    w->held = held + 1;
    handler(number, info, context);
    w->data_stack = data;
    w->held = held;
    w->mode = mode;
}

/* Called on aarch64 instead of an integer division that x86-64 traps. Like a trap's, the signal comes whatever the
 * thread thinks of it, and comes again if its handler returns. */
HIDDEN _Noreturn void __rtx_division_traps(void) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = SIGFPE;
    info.si_code = FPE_INTDIV;
    info.si_addr = __builtin_return_address(0);
    for (;;) {
        struct sigaction action;
        sigset_t mask;
        sigaction(SIGFPE, NULL, &action);
        pthread_sigmask(SIG_BLOCK, NULL, &mask);
        if (action.sa_handler == SIG_IGN || sigismember(&mask, SIGFPE)) {
            signal(SIGFPE, SIG_DFL);
            sigdelset(&mask, SIGFPE);
            pthread_sigmask(SIG_SETMASK, &mask, NULL);
        }
        syscall(SYS_rt_tgsigqueueinfo, (long)getpid(), syscall(SYS_gettid), (long)SIGFPE, &info);
    }
}

HIDDEN void __rtx_division_traps_if(uint32_t traps) {
    if (traps)
        __rtx_division_traps();
}

/* Called by longjmp, when the other instruction set's setjmp wrote the jmp_buf: the frames to which it jumps are on
 * a board, if this is a handler. */
HIDDEN _Noreturn void __rtx_far_jump(void *buffer, int value) {
    syscall(RTX_JUMP, longjmp, buffer, (long)value);
    __rtx_die("longjmp to a place that setjmp marked on another instruction set; a function that calls setjmp must not "
              "have returned (or the jmp_buf holds nothing)");
}
