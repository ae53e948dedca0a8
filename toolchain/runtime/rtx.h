/* The in-guest runtime: what compiled code, libc and the supervisor share. docs/continuations.md is the
 * description of this ABI; the two must agree. */
#ifndef RTX_H
#define RTX_H

#include <stddef.h>
#include <stdint.h>

#define RTX_ABI 1
#define RTX_MAGIC 0x31544e4f43585452u /* "RTXCONT1" */

/* The system call by which a thread that has left parks: (header, bytes of the header). */
#define RTX_PARK 0x52545801L
/* The system call by which a thread asks to be at home, on home's instruction set: (1 if it is held, else 0). 0: it
 * shall leave at its next point; an error: it is there. */
#define RTX_HOME 0x52545802L
/* The system call by which a handler that runs at home jumps back to where its thread's frames are: (longjmp, its
 * jmp_buf, its value). A supervisor does not let it return. */
#define RTX_JUMP 0x52545803L

enum rtx_mode { RTX_NORMAL = 0, RTX_UNWINDING = 1, RTX_REWINDING = 2 };
enum rtx_state { RTX_RUNNING = 0, RTX_PARKED = 1, RTX_RESUMING = 2 };
enum rtx_kind { RTX_MAIN = 0, RTX_THREAD = 1, RTX_THREAD_C11 = 2 };

/* A thread's words. They stand in struct pthread, 48 bytes from its beginning, on every instruction set. */
struct rtx_words {
    uint32_t mode;              /* 48: enum rtx_mode */
    uint32_t held;              /* 52: frames on the stack that forbid to leave */
    char *data_stack;           /* 56: top of the data stack */
    struct rtx_header *header;  /* 64: the thread's continuation */
    uint64_t cancellable;       /* 72: 1 in a system call that pthread_cancel may end */
    uint64_t reserved[2];       /* 80 */
};

/* The continuation of a thread. In shared memory, at one address for the thread's whole life. */
struct rtx_header {
    uint64_t magic;             /*   0 */
    uint32_t abi;               /*   8 */
    uint32_t state;             /*  12: enum rtx_state */
    uint8_t build[32];          /*  16: of the program */
    uint64_t thread;            /*  48: address of struct pthread */
    uint64_t stack_low;         /*  56: the machine stack's low end; 0: unknown (main's) */
    uint64_t stack_top;         /*  64: its part that a resumed thread may use ends here */
    uint64_t data_low;          /*  72: the data stack */
    uint64_t data_top;          /*  80: its end */
    uint64_t data_stack;        /*  88: the top in use while the thread is parked */
    uint64_t records;           /*  96: the saved frames, the innermost first */
    uint64_t records_bytes;     /* 104: of them in use */
    uint64_t records_room;      /* 112 */
    uint32_t kind;              /* 120: enum rtx_kind */
    uint32_t rounding;          /* 124: the rounding mode, numbered as on x86-64 */
    uint64_t mapping;           /* 128: the memory of header, data stack and first records */
    uint64_t mapping_bytes;     /* 136 */
    uint32_t isa;               /* 144: on which the frames were saved (0 x86-64, 1 aarch64) */
    uint32_t hops;              /* 148: how often the thread has parked */
    uint64_t frames;            /* 152: how many are saved */
    uint64_t spare[12];         /* 160 */
};                              /* 256 */

/* A saved frame: the number of the site, padding, the values; then this trailer. Frames are pushed from the
 * innermost outwards and taken from the end. */
struct rtx_trailer {
    uint32_t function, site, bytes, total;
};

/* Threads that are asked to leave. Node-local: every node has its own, never shared. */
#define RTX_REQUESTS 256
struct rtx_requests {
    uint32_t all;               /* 1: every thread is asked */
    uint32_t count;             /* entries that may be in use */
    uint64_t thread[RTX_REQUESTS]; /* addresses of struct pthread; 0: free */
};

extern volatile uint32_t __rtx_indicator;
extern struct rtx_requests __rtx_requests;

#define HIDDEN __attribute__((visibility("hidden")))

/* For libc. */
HIDDEN void __rtx_thread_begin(void *thread, void *stack_low, size_t stack_bytes); /* 0 in its words: no memory */
HIDDEN void __rtx_thread_end(void *thread);
HIDDEN void *__rtx_run_thread(void *(*start)(void *), void *argument, int c11);
HIDDEN void __rtx_handle(int number, void *info, void *context, void (*handler)(int, void *, void *));
HIDDEN _Noreturn void __rtx_far_jump(void *buffer, int value);
HIDDEN _Noreturn void __rtx_die(const char *text);

/* For home.c, which has equivalence points. */
int __rtx_shall_leave(void);
void __rtx_is_home(void);

#endif
