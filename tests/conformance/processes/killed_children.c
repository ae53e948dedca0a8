/* Children that die by signals, sent or caused by their own instructions, are reported with the signal; the threads of
 * the parent notice nothing.
 * calls: fork wait4 kill */
#include "children.h"

#include <sys/resource.h>

static void die_by(int number) {
    struct rlimit none = {0, 0};
    check(setrlimit(RLIMIT_CORE, &none) == 0);
    volatile int zero = 0;
    void *nothing = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    switch (number) {
    case SIGSEGV:
        *(volatile int *)nothing = 1;
        break;
    case SIGABRT:
        abort();
    case SIGILL:
        __builtin_trap();
    case SIGFPE:
        if (zero == 0)
            raise(SIGFPE);
        break;
    default:
        for (;;)
            pause();
    }
    _exit(98);
}

BODY {
    int signals[] = {SIGSEGV, SIGABRT, SIGFPE, SIGILL,  SIGHUP,  SIGINT,    SIGQUIT,  SIGKILL,
                     SIGPIPE, SIGALRM, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF,  SIGRTMIN};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        /* Whoever started the program may ignore some: a shell does for what runs in its background. The child may
         * get it before it has done anything. */
        signal(signals[i], SIG_DFL);
        pid_t child = split();
        if (child == 0)
            die_by(signals[i]);
        if (i >= 4)
            check(kill(child, signals[i]) == 0);
        int end = end_of(child);
        if (end != 1000 + signals[i])
            die("signal %d, ended with %d", signals[i], end);
    }
    say("%zu children died as they should", sizeof signals / sizeof *signals);
}
