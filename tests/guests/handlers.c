/* Signal handlers in child threads: faults, alternate stacks, timers, signals between threads, sigwait, masks. */
#include "common.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

static _Thread_local sigjmp_buf escape;
static _Thread_local volatile uintptr_t fault_address;
static _Thread_local volatile int caught;
static unsigned char *guarded;

static void on_fault(int number, siginfo_t *info, void *context) {
    (void)context;
    caught = number;
    fault_address = (uintptr_t)info->si_addr;
    siglongjmp(escape, 1);
}

/* A write barrier as garbage collectors have: the handler opens the page and the write goes on. */
static void on_barrier(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    uintptr_t page = (uintptr_t)info->si_addr / PAGE * PAGE;
    fault_address = page;
    mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE);
}

static void handle(int number, void (*handler)(int, siginfo_t *, void *), int flags) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigaction(number, &action, NULL);
}

static void mask_signal(int how, int number) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    must(pthread_sigmask(how, &set, NULL), "pthread_sigmask");
}

static void *faults(void *arg) {
    stack_t alternate = {.ss_sp = new_pages(65536), .ss_size = 65536};
    sigaltstack(&alternate, NULL);
    handle(SIGSEGV, on_fault, SA_ONSTACK);
    handle(SIGFPE, on_fault, 0);
    for (int i = 0; i < 20; i++) {
        volatile uintptr_t nowhere = 64 + (uintptr_t)i;
        if (!sigsetjmp(escape, 1))
            *(volatile char *)nowhere = 1;
        if (caught != SIGSEGV || fault_address != nowhere)
            die("fault %d told as signal %d at %zx", i, caught, (size_t)fault_address);
    }
#if defined(__x86_64__)
    volatile int zero = 0, number = 1;
    if (!sigsetjmp(escape, 1))
        number /= zero;
    if (caught != SIGFPE)
        die("a division by zero was told as signal %d", caught);
#endif
    (void)arg;
    return NULL;
}

static void *barriers(void *arg) {
    (void)arg;
    handle(SIGSEGV, on_barrier, 0);
    for (size_t page = 0; page < 16; page++) {
        mprotect(guarded + page * PAGE, PAGE, PROT_READ);
        guarded[page * PAGE + page] = (unsigned char)(page + 1);
        if (fault_address != (uintptr_t)(guarded + page * PAGE))
            die("the write to page %zu was not seen", page);
    }
    return NULL;
}

static _Atomic int received;
static _Thread_local volatile int mine;
static void on_user(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    mine++;
    received++;
}

/* Each counts on its own that each signal sent to it ran its own handler, in its own thread. */
static void *receive(void *arg) {
    uint64_t x = (uintptr_t)arg;
    while (mine < 50)
        x = lcg_walk(x, 1000);
    return NULL;
}

static void signals_between_threads(void) {
    pthread_t threads[2];
    handle(SIGUSR1, on_user, 0);
    for (size_t i = 0; i < 2; i++)
        must(pthread_create(&threads[i], NULL, receive, (void *)i), "pthread_create");
    usleep(200000);
    for (int round = 0; round < 50; round++)
        for (size_t i = 0; i < 2; i++) {
            int before = received;
            must(pthread_kill(threads[i], SIGUSR1), "pthread_kill");
            while (received == before)
                usleep(100);
        }
    for (size_t i = 0; i < 2; i++)
        must(pthread_join(threads[i], NULL), "pthread_join");
    printf("%d signals between threads\n", received);
}

static _Atomic int ticks;
static void on_tick(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    ticks++;
}

static void *timers(void *arg) {
    (void)arg;
    handle(SIGALRM, on_tick, SA_RESTART);
    mask_signal(SIG_UNBLOCK, SIGALRM);
    struct itimerval interval = {{0, 10000}, {0, 10000}}, none = {0};
    setitimer(ITIMER_REAL, &interval, NULL);
    uint64_t x = 1;
    while (ticks < 10)
        x = lcg_walk(x, 1000);
    setitimer(ITIMER_REAL, &none, NULL);
    /* A sleep is cut short by a signal and says how much is left. */
    struct itimerval once = {{0, 0}, {0, 50000}};
    setitimer(ITIMER_REAL, &once, NULL);
    handle(SIGALRM, on_tick, 0);
    struct timespec long_time = {20, 0}, left = {0, 0};
    int result = nanosleep(&long_time, &left);
    printf("sleep %s with %s left\n", result ? strerror(errno) : "ended", left.tv_sec >= 18 ? "most" : "little");
    return NULL;
}

static void *wait_for_signal(void *arg) {
    sigset_t set;
    int number = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    for (int i = 0; i < 3; i++) {
        must(sigwait(&set, &number), "sigwait");
        *(_Atomic int *)arg += number == SIGUSR2;
    }
    return NULL;
}

static void waiting_for_signals(void) {
    _Atomic int count = 0;
    pthread_t thread;
    mask_signal(SIG_BLOCK, SIGUSR2);
    must(pthread_create(&thread, NULL, wait_for_signal, (void *)&count), "pthread_create");
    usleep(200000);
    for (int i = 1; i <= 3; i++) {
        kill(getpid(), SIGUSR2);
        /* The same signal twice before it is taken would be one. */
        while (count < i)
            usleep(1000);
    }
    must(pthread_join(thread, NULL), "pthread_join");
    printf("%d signals waited for\n", count);
}

int main(void) {
    mask_signal(SIG_BLOCK, SIGALRM); /* the timer's thread alone takes it */
    guarded = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    run_threads(2, faults);
    printf("faults handled\n");
    run_threads(1, barriers);
    printf("barriers passed, checksum of pages %016" PRIx64 "\n", checksum_bytes(0, guarded, 16 * PAGE));
    signals_between_threads();
    run_threads(1, timers);
    waiting_for_signals();
    return 0;
}
