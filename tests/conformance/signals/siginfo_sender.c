/* What a handler is told of who sent: kill, tgkill, sigqueue with a value, pthread_sigqueue's system call, a child.
 * calls: kill tkill rt_sigqueueinfo
 * recalls: signal fork */
#include "signals.h"

static atomic_int handled;
static siginfo_t got;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)context;
    check(number == info->si_signo);
    got = *info;
    atomic_fetch_add(&handled, 1);
}

static void report(const char *how, int count, pid_t sender) {
    spin_until(&handled, count);
    const char *code = got.si_code == SI_USER     ? "SI_USER"
                       : got.si_code == SI_TKILL  ? "SI_TKILL"
                       : got.si_code == SI_QUEUE  ? "SI_QUEUE"
                       : got.si_code == SI_KERNEL ? "SI_KERNEL"
                                                  : "other";
    check(got.si_pid == sender && got.si_uid == getuid());
    say("%s: signal %d, %s, value %d", how, got.si_signo, code, got.si_code == SI_QUEUE ? got.si_value.sival_int : -1);
}

BODY {
    handle(SIGUSR1, on_signal, 0);
    handle(SIGUSR2, on_signal, 0);
    check(kill(getpid(), SIGUSR1) == 0);
    report("kill", 1, getpid());
    must(pthread_kill(pthread_self(), SIGUSR2));
    report("pthread_kill", 2, getpid());
    check(raise(SIGUSR1) == 0);
    report("raise", 3, getpid());
    check(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 4711}) == 0);
    report("sigqueue", 4, getpid());
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = -5;
    check(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &info) == 0);
    report("to the thread", 5, getpid());

    pid_t parent = getpid(), child = fork();
    check(child >= 0);
    if (child == 0) {
        sigqueue(parent, SIGUSR1, (union sigval){.sival_int = 99});
        _exit(0);
    }
    report("child", 6, child);
    check(waitpid(child, NULL, 0) == child);
    say("no such process: %d", kill(0x3fffff00, 0) == -1 && errno == ESRCH);
    say("no such signal: %d", kill(getpid(), 65) == -1 && errno == EINVAL);
    say("only asking: %d", kill(getpid(), 0));
}
