/* A handler that interrupts a large write or read of which a part is done: the call tells the part, and no byte is lost
 * or sent twice.
 * calls: pipe write
 * recalls: signal */
#include "signals.h"

enum { TOTAL = 1 << 20 };

static atomic_int handled, done;
static int ends[2];
static unsigned char sent[TOTAL], got[TOTAL];

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    atomic_fetch_add(&handled, 1);
}

static void *send_all(void *arg) {
    for (size_t n = 0; n < TOTAL;) {
        ssize_t part = write(ends[1], sent + n, TOTAL - n);
        if (part < 0)
            check(errno == EINTR);
        else
            n += (size_t)part;
    }
    atomic_store(&done, 1);
    return arg;
}

BODY {
    handle(SIGUSR1, on_signal, 0);
    check(pipe(ends) == 0);
    uint32_t random = 1;
    for (int i = 0; i < TOTAL; i++)
        sent[i] = (unsigned char)((random = random * 1103515245 + 12345) >> 16);
    pthread_t writer = spawn(send_all, NULL);
    size_t n = 0;
    for (int i = 0; n < TOTAL; i++) {
        if (i % 3 == 0 && !atomic_load(&done))
            must(pthread_kill(writer, SIGUSR1));
        ssize_t part = read(ends[0], got + n, TOTAL - n < 30000 ? TOTAL - n : 30000);
        check(part > 0);
        n += (size_t)part;
    }
    join(writer);
    check(handled > 0 && memcmp(sent, got, TOTAL) == 0);
    say("%zu bytes", n);
}
