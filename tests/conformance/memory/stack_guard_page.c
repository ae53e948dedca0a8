/* A child that runs over its stack hits the guard page: a handler on another stack is told so, and the others go on.
 * calls: futex
 * recalls: fault signal sigaltstack */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3 };
static _Thread_local volatile uintptr_t lowest;
static _Thread_local byte spare[32768] __attribute__((aligned(16)));
static _Thread_local bool on_spare;
static _Atomic int hits;

static void overrun(int signal, siginfo_t *info, void *context) {
    (void)context;
    byte here;
    on_spare = &here >= spare && &here < spare + sizeof spare;
    fault_code = info->si_code;
    fault_address = info->si_addr;
    siglongjmp(fault_back, signal);
}

__attribute__((noinline)) static unsigned dig(unsigned depth) {
    volatile byte frame[2000];
    frame[0] = (byte)depth;
    lowest = (uintptr_t)frame;
    /* Not a tail call: the frame is still needed. */
    return depth == 1000000 ? 0 : dig(depth + 1) + frame[0];
}

static void work(int me) {
    (void)me;
    stack_t stack = {.ss_sp = spare, .ss_size = sizeof spare};
    check(sigaltstack(&stack, NULL) == 0);
    for (int round = 0; round < 2; round++) {
        volatile unsigned depth = 0;
        int signal = sigsetjmp(fault_back, 1);
        if (signal == 0) {
            depth = dig(0);
            die("the stack has no end: %u", depth);
        }
        check(signal == SIGSEGV && on_spare && fault_code == SEGV_ACCERR);
        uintptr_t at = (uintptr_t)fault_address;
        check(at < lowest && at + 3 * PAGE > lowest);
        hits++;
        settle();
        meet();
    }
    stack.ss_flags = SS_DISABLE;
    check(sigaltstack(&stack, NULL) == 0);
}

BODY {
    struct sigaction action = {.sa_sigaction = overrun, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    check(sigaction(SIGSEGV, &action, NULL) == 0);
    crew(CREW, work);
    say("%d overruns", hits);
}
