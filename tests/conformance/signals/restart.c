/* Calls that a handler with SA_RESTART interrupts go on as if nothing had been: read, write to a full pipe, waitpid,
 * accept, flock, futex waits; nothing is lost, nothing is done twice.
 * calls: pipe read accept wait4
 * recalls: signal fork */
#include "signals.h"
#include <semaphore.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

static atomic_int handled, ready;
static int ends[2], full[2], listening, child;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static socklen_t address_length;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    atomic_fetch_add(&handled, 1);
}

static void in_read(void) {
    char two[2];
    check(read(ends[0], two, 2) == 2 && two[0] == 'a' && two[1] == 'b');
}
static void end_read(void) { check(write(ends[1], "ab", 2) == 2); }

static void in_write(void) {
    char page[PAGE];
    memset(page, 'w', PAGE);
    check(write(full[1], page, PAGE) == (ssize_t)PAGE);
}
static void end_write(void) {
    static char all[1 << 20];
    ssize_t n = read(full[0], all, sizeof all);
    check(n > 0);
}

static void in_accept(void) {
    int fd = accept(listening, NULL, NULL);
    check(fd >= 0);
    close(fd);
}
static void end_accept(void) {
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    check(connect(fd, (struct sockaddr *)&address, address_length) == 0);
    close(fd);
}

static void in_waitpid(void) {
    int status;
    check(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
}
static void end_waitpid(void) { check(kill(child, SIGKILL) == 0); }

static void in_mutex(void) {
    must(pthread_mutex_lock(&mutex));
    must(pthread_mutex_unlock(&mutex));
}
static void end_mutex(void) { must(pthread_mutex_unlock(&mutex)); }

static struct {
    const char *name;
    void (*in)(void), (*end)(void);
} cases[] = {{"read", in_read, end_read},
             {"write", in_write, end_write},
             {"accept", in_accept, end_accept},
             {"waitpid", in_waitpid, end_waitpid},
             {"mutex", in_mutex, end_mutex}};
enum { CASES = sizeof cases / sizeof *cases, SIGNALS = 5 };

static void *run(void *arg) {
    int i = (int)(long)arg;
    atomic_store(&ready, 1);
    cases[i].in();
    atomic_store(&ready, 2);
    return NULL;
}

BODY {
    handle(SIGUSR1, on_signal, SA_RESTART);
    check(pipe(ends) == 0 && pipe(full) == 0);
    check(fcntl(full[1], F_SETFL, O_NONBLOCK) == 0);
    static char page[PAGE];
    while (write(full[1], page, PAGE) == (ssize_t)PAGE)
        ;
    check(fcntl(full[1], F_SETFL, 0) == 0);
    listening = socket(AF_UNIX, SOCK_STREAM, 0);
    check(bind(listening, (struct sockaddr *)&address, sizeof(sa_family_t)) == 0 && listen(listening, 3) == 0);
    address_length = sizeof address;
    check(getsockname(listening, (struct sockaddr *)&address, &address_length) == 0);
    child = fork();
    check(child >= 0);
    if (child == 0)
        for (;;)
            pause();
    must(pthread_mutex_lock(&mutex));
    for (long i = 0; i < CASES; i++) {
        atomic_store(&ready, 0);
        atomic_store(&handled, 0);
        pthread_t thread = spawn(run, (void *)i);
        spin_until(&ready, 1);
        sleep_ms(10);
        for (int j = 0; j < SIGNALS; j++) {
            must(pthread_kill(thread, SIGUSR1));
            spin_until(&handled, j + 1);
            sleep_ms(2);
        }
        check(atomic_load(&ready) == 1);
        cases[i].end();
        join(thread);
        say("%s went on after %d signals", cases[i].name, handled);
    }
}
