/* Handlers in handlers in handlers, each with its own signal, each on the stack of the one before, made from inside and
 * from another thread; locals and errno of each survive.
 * calls: tkill
 * recalls: signal */
#include "signals.h"

enum { DEPTH = 10 };

static char order[128];
static atomic_int inside, go_on;

static void note(char what, int depth) {
    size_t n = strlen(order);
    order[n] = what;
    order[n + 1] = (char)('0' + depth);
}

static void nest(int number, siginfo_t *info, void *context) {
    (void)info, (void)context;
    int depth = number - SIGRTMIN;
    volatile int local[16];
    for (int i = 0; i < 16; i++)
        local[i] = depth * 100 + i;
    note('+', depth);
    errno = 1000 + depth;
    if (depth + 1 < DEPTH)
        must(pthread_kill(pthread_self(), number + 1));
    check(depth + 1 == DEPTH || errno == 1000 + depth + 1);
    for (int i = 0; i < 16; i++)
        check(local[i] == depth * 100 + i);
    errno = 1000 + depth;
    note('-', depth);
}

static void hold(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    int level = atomic_fetch_add(&inside, 1) + 1;
    while (atomic_load(&go_on) < 4 - level)
        ;
    note('x', level);
    atomic_fetch_add(&go_on, 1);
}

static void *compute(void *arg) {
    while (atomic_load(&go_on) < 4)
        ;
    return arg;
}

BODY {
    for (int i = 0; i < DEPTH; i++)
        handle(SIGRTMIN + i, nest, 0);
    for (int i = 0; i < 3; i++) {
        memset(order, 0, sizeof order);
        must(pthread_kill(pthread_self(), SIGRTMIN));
        say("%s, errno %d", order, errno);
    }
    /* Each interrupts the handler of the one before; they return in reverse. */
    memset(order, 0, sizeof order);
    int numbers[] = {SIGUSR1, SIGUSR2, SIGHUP};
    pthread_t thread = spawn(compute, NULL);
    for (int i = 0; i < 3; i++) {
        handle(numbers[i], hold, 0);
        must(pthread_kill(thread, numbers[i]));
        spin_until(&inside, i + 1);
    }
    atomic_fetch_add(&go_on, 1);
    join(thread);
    say("%s", order);
}
