/* Divisions by zero and of the lowest number by -1 are signals where the cpu of the first build traps them; handlers leave
 * them by siglongjmp; one that blocks or ignores the signal dies.
 * calls: write wait4 fork
 * recalls: signal fault native-call */
#include "signals.h"
#include <setjmp.h>

static sigjmp_buf back;
static volatile int code;

static void on_trap(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    code = info->si_code;
    siglongjmp(back, 1);
}

#define TRY(type, a, operation, b)                                                                                     \
    do {                                                                                                               \
        volatile type x = (a), y = (b);                                                                                \
        if (sigsetjmp(back, 1) == 0) {                                                                                 \
            volatile type z = (type)(x operation y);                                                                   \
            say("%s: %lld", #type " " #a " " #operation " " #b, (long long)z);                                         \
        } else {                                                                                                       \
            say("%s: code %d", #type " " #a " " #operation " " #b, code);                                              \
        }                                                                                                              \
    } while (0)

static void narrow(void) {
    TRY(int, 1, /, 0);
    TRY(int, 1, %, 0);
    TRY(int, 7, /, 2);
    TRY(int, -7, %, 2);
    TRY(int, INT32_MIN, /, -1);
    TRY(int, INT32_MIN, %, -1);
    TRY(int, INT32_MIN + 1, /, -1);
    TRY(unsigned, 1, /, 0);
    TRY(unsigned, 0x80000000u, /, 0xffffffffu);
    TRY(short, 9, /, 0);
    TRY(short, INT16_MIN, /, -1);
}

static void wide(void) {
    TRY(int64_t, 1, /, 0);
    TRY(int64_t, INT64_MIN, /, -1);
    TRY(int64_t, INT64_MIN, %, -1);
    TRY(int64_t, INT64_MIN, %, -2);
    TRY(uint64_t, 5, %, 0);
    TRY(uint64_t, 5, %, 3);
    volatile int zero = 0;
    if (sigsetjmp(back, 1) == 0)
        say("div: %d", div(8, zero).quot);
    else
        say("div: code %d", code);
}

/* Several in one function, in a loop, with values that stay. */
static long sums(const volatile long *divisors, int count) {
    long sum = 0;
    for (int i = 0; i < count; i++) {
        if (divisors[i] != 0)
            sum += 1000000007L / divisors[i] + 17 % divisors[i];
        sum = sum * 3 + i;
    }
    return sum;
}

/* How a child ends that divides by zero, with the signal's handler or mask changed. */
static void dies(const char *how, void (*handler)(int), int block) {
    pid_t child = fork();
    check(child >= 0);
    if (child == 0) {
        signal(SIGFPE, handler);
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGFPE);
        must(pthread_sigmask(block, &set, NULL));
        volatile int zero = 0;
        zero = 12345 / zero; /* of 1 compilers make a comparison */
        _exit(3);
    }
    int status;
    check(waitpid(child, &status, 0) == child);
    say("%s: %s", how, WIFSIGNALED(status) && WTERMSIG(status) == SIGFPE ? "dies" : "goes on");
}

BODY {
    handle(SIGFPE, on_trap, 0);
    narrow();
    wide();
    static volatile long divisors[] = {3, 0, -7, 1, 0, 12};
    say("%ld", sums(divisors, 6));
    settle(); /* a trap brings its thread home for a while */
    dies("default", SIG_DFL, SIG_UNBLOCK);
    dies("ignored", SIG_IGN, SIG_UNBLOCK);
    dies("blocked", SIG_DFL, SIG_BLOCK);
}
