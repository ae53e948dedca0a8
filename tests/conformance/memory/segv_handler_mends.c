/* A SIGSEGV handler that gives access and returns: the access is made anew and succeeds, in each thread and once a
 * page.
 * calls: futex
 * recalls: fault signal sigreturn */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, PAGES = 9 };
static byte *area;
static _Atomic int mended[CREW], wrong;
static _Thread_local int self;

static void mend(int signal, siginfo_t *info, void *context) {
    (void)context;
    byte *at = info->si_addr;
    if (signal != SIGSEGV || info->si_code != SEGV_ACCERR || at < area || at >= area + CREW * PAGES * PAGE)
        wrong++;
    mended[self]++;
    byte *page = (byte *)((uintptr_t)at & ~(PAGE - 1));
    /* A first fault may read, only a second may write. */
    int rights = mended[self] % 2 ? PROT_READ : PROT_READ | PROT_WRITE;
    if (wrong || mprotect(page, PAGE, rights) != 0)
        _exit(98);
}

static void work(int me) {
    self = me;
    byte *mine = area + (size_t)me * PAGES * PAGE;
    for (int page = 0; page < PAGES; page++) {
        volatile byte *at = mine + (size_t)page * PAGE + 100;
        check(*at == 0);
        *at = (byte)(me + page + 1);
        check(*at == (byte)(me + page + 1));
        if (page % 4 == 3)
            settle();
    }
    meet();
    for (int other = 0; other < CREW; other++)
        for (int page = 0; page < PAGES; page++)
            check(area[((size_t)other * PAGES + (size_t)page) * PAGE + 100] == (byte)(other + page + 1));
}

BODY {
    struct sigaction action = {.sa_sigaction = mend, .sa_flags = SA_SIGINFO};
    check(sigaction(SIGSEGV, &action, NULL) == 0);
    area = mmap(NULL, CREW * PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(area != MAP_FAILED);
    crew(CREW, work);
    for (int i = 0; i < CREW; i++)
        say("thread %d mended %d faults", i, mended[i]);
}
