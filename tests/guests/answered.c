/* A program under a seccomp filter with a listener, so that nobody can add another; its child threads compute. */
#include "common.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/filter.h and linux/seccomp.h, which musl has not. */
struct instruction {
    uint16_t code;
    uint8_t if_true, if_false;
    uint32_t operand;
};
struct program {
    uint16_t length;
    struct instruction *instructions;
};
#define RETURN 0x06
#define ALLOW 0x7fff0000u
#define SET_MODE_FILTER 1
#define NEW_LISTENER 8u

static void filter(unsigned flags) {
    struct instruction allow = {RETURN, 0, 0, ALLOW};
    struct program program = {1, &allow};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_seccomp, SET_MODE_FILTER, flags, &program) < 0)
        die("seccomp: %s", strerror(errno));
}

static void *compute(void *arg) {
    volatile uint64_t sink = (uintptr_t)arg;
    sink = lcg_walk(sink, 1000000);
    return NULL;
}

int main(void) {
    filter(NEW_LISTENER);
    run_threads(2, compute);
    printf("computed\n");
    return 0;
}
