/* What handlers are told of faults: code and address, for memory that is not there, that may not be written, behind the
 * end of a file, and for wrong instructions; they leave by siglongjmp.
 * calls: mmap mprotect
 * recalls: signal fault unwatched-memory */
#include "signals.h"
#include <setjmp.h>

static sigjmp_buf back;
static volatile int code, number_seen;
static char *volatile address;

static void on_fault(int number, siginfo_t *info, void *context) {
    (void)context;
    number_seen = number;
    code = info->si_code;
    address = info->si_addr;
    siglongjmp(back, 1);
}

static void report(const char *what, const char *base) {
    const char *names[] = {[SIGSEGV] = "SIGSEGV", [SIGBUS] = "SIGBUS", [SIGFPE] = "SIGFPE", [SIGILL] = "SIGILL"};
    say("%s: %s, code %d, offset %ld", what, names[number_seen], code, base ? (long)(address - base) : -1l);
}

#define provoke(what, base, statement)                                                                                 \
    if (sigsetjmp(back, 1) == 0) {                                                                                     \
        statement;                                                                                                     \
        die("%s: no fault", what);                                                                                     \
    } else                                                                                                             \
        report(what, base)

BODY {
    int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (int i = 0; i < 4; i++)
        handle(numbers[i], on_fault, 0);
    char *gone = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(gone != MAP_FAILED);
    char *readable = gone + PAGE, *closed = gone + 2 * PAGE;
    check(munmap(gone, PAGE) == 0);
    readable[5] = 1;
    check(mprotect(readable, PAGE, PROT_READ) == 0 && mprotect(closed, PAGE, PROT_NONE) == 0);

    for (int i = 0; i < 2; i++) {
        provoke("read of nothing", gone, (void)*(volatile char *)(gone + 17));
        provoke("write of nothing", gone, *(volatile char *)(gone + 4000) = 1);
        provoke("write of read-only", readable, *(volatile char *)(readable + 100) = 1);
        check(*(volatile char *)(readable + 5) == 1);
        provoke("read of closed", closed, (void)*(volatile char *)(closed + 8));
        provoke("null", NULL, *(volatile int *)0 = 1);
    }
    FILE *file = tmpfile();
    check(file != NULL);
    char *map = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fileno(file), 0);
    check(map != MAP_FAILED);
    provoke("behind the end of a file", map, (void)*(volatile char *)(map + PAGE + 3));
#if defined(__x86_64__)
    volatile int zero = 0, one = 1;
    provoke("division", NULL, one = one / zero);
    provoke("wrong instruction", NULL, __asm__ volatile("ud2"));
    /* An address that is not canonical has no fault address of its own. */
    provoke("not canonical", (char *)0, *(volatile char *)0x8000000000000000ul = 1);
#endif
}
