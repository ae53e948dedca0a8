/* Real-time signals queue, each with its value; lower numbers come first, each number's in the order they were sent;
 * ordinary signals do not queue. By handlers and by sigwaitinfo.
 * calls: rt_tgsigqueueinfo rt_sigtimedwait
 * recalls: signal */
#include "signals.h"

enum { EACH = 4 };

static char order[256];

static void send_value(int number, int value) {
    siginfo_t info = {.si_signo = number, .si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_value.sival_int = value;
    check(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), number, &info) == 0);
}

static void note(int number, siginfo_t *info, void *context) {
    (void)context;
    char text[16];
    if (number >= SIGRTMIN)
        snprintf(text, sizeof text, " %d:%d", number - SIGRTMIN, info->si_value.sival_int);
    else
        snprintf(text, sizeof text, " %s", number == SIGUSR1 ? "usr1" : "usr2");
    strcat(order, text);
}

static void send_all(void) {
    order[0] = 0;
    for (int i = 0; i < EACH; i++)
        for (int number = SIGRTMIN + 3; number >= SIGRTMIN + 1; number--)
            send_value(number, 10 * i + (number - SIGRTMIN));
    for (int i = 0; i < EACH; i++) {
        must(pthread_kill(pthread_self(), SIGUSR2));
        must(pthread_kill(pthread_self(), SIGUSR1));
    }
}

BODY {
    sigset_t set, old;
    sigemptyset(&set);
    int numbers[] = {SIGUSR1, SIGUSR2, SIGRTMIN + 1, SIGRTMIN + 2, SIGRTMIN + 3};
    for (int i = 0; i < 5; i++) {
        sigaddset(&set, numbers[i]);
        struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
        sigfillset(&action.sa_mask);
        check(sigaction(numbers[i], &action, NULL) == 0);
    }
    must(pthread_sigmask(SIG_BLOCK, &set, &old));
    send_all();
    siginfo_t info;
    struct timespec zero = {0, 0};
    while (sigtimedwait(&set, &info, &zero) > 0)
        note(info.si_signo, &info, NULL);
    say("waited for:%s", order);
    /* One call delivers all of them: the kernel stacks one frame on the other, so that the last one runs first. */
    for (int i = 0; i < 3; i++) {
        order[0] = 0;
        for (int j = 0; j < EACH; j++)
            send_value(SIGRTMIN + 1 + i, j);
        must(pthread_sigmask(SIG_SETMASK, &old, NULL));
        must(pthread_sigmask(SIG_BLOCK, &set, NULL));
        say("handled:%s", order);
    }
    send_all();
    must(pthread_sigmask(SIG_SETMASK, &old, NULL));
    say("handled:%s", order);
}
