/* Alternate stacks belong to one thread: handlers with SA_ONSTACK run on it, others do not; it cannot be changed while
 * it is used; a new thread has none.
 * recalls: signal sigaltstack
 * calls: tkill */
#include "signals.h"

enum { SIZE = 65536 };

static _Thread_local char *stack;
static _Thread_local bool on_it;
static _Thread_local int flags_inside;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)info;
    char here;
    uintptr_t at = (uintptr_t)&here;
    on_it = stack && at >= (uintptr_t)stack && at < (uintptr_t)stack + SIZE;
    stack_t now;
    check(sigaltstack(NULL, &now) == 0);
    flags_inside = now.ss_flags;
    if (on_it) {
        stack_t none = {.ss_flags = SS_DISABLE};
        check(sigaltstack(&none, NULL) == -1 && errno == EPERM);
        check(((ucontext_t *)context)->uc_stack.ss_sp == stack);
    }
}

static void probe(const char *name) {
    must(pthread_kill(pthread_self(), SIGUSR1));
    say("%s, SA_ONSTACK: %s, flags %d", name, on_it ? "alternate" : "own", flags_inside);
    must(pthread_kill(pthread_self(), SIGUSR2));
    say("%s, without: %s, flags %d", name, on_it ? "alternate" : "own", flags_inside);
}

static void set(void) {
    stack = malloc(SIZE);
    check(stack != NULL);
    stack_t new = {.ss_sp = stack, .ss_size = SIZE}, old;
    check(sigaltstack(&new, &old) == 0 && old.ss_flags == SS_DISABLE);
}

static void *child(void *arg) {
    probe("new thread");
    set();
    probe("new thread with its own");
    return arg;
}

BODY {
    handle(SIGUSR1, on_signal, SA_ONSTACK);
    handle(SIGUSR2, on_signal, 0);
    probe("none");
    set();
    probe("set");
    join(spawn(child, NULL));
    probe("still set");
    stack_t small = {.ss_sp = stack, .ss_size = 100};
    check(sigaltstack(&small, NULL) == -1);
    say("too small: %s", strerror(errno));
    stack_t none = {.ss_flags = SS_DISABLE}, old;
    check(sigaltstack(&none, &old) == 0 && old.ss_sp == stack && old.ss_size == SIZE);
    probe("disabled");
}
