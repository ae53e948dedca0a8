/* _Thread_local variables: initial values in every thread, alignment, large ones, pointers to another thread's; errno.
 * calls: futex */
#include "../conform.h"

enum { THREADS = 4 };

static _Thread_local int initial = 12345;
static _Thread_local char zero[3 * 4096];
static _Thread_local _Alignas(256) long aligned = 7;
_Thread_local const char *text = "text";
static _Thread_local double number = 0.5;

static int *addresses[THREADS];
static pthread_barrier_t barrier;

static void *work(void *arg) {
    long me = (long)arg;
    check(initial == 12345 && aligned == 7 && strcmp(text, "text") == 0 && number == 0.5);
    check((uintptr_t)&aligned % 256 == 0);
    for (size_t i = 0; i < sizeof zero; i++) {
        check(zero[i] == 0);
        zero[i] = (char)me;
    }
    initial = (int)me;
    aligned = me * 1000;
    number *= (double)me;
    addresses[me] = &initial;
    close(-1);
    check(errno == EBADF);
    errno = 1000 + (int)me;

    pthread_barrier_wait(&barrier);
    /* Writes its neighbour's. */
    ++*addresses[(me + 1) % THREADS];
    pthread_barrier_wait(&barrier);

    check(initial == me + 1 && aligned == me * 1000 && number == 0.5 * (double)me);
    for (size_t i = 0; i < sizeof zero; i++)
        check(zero[i] == (char)me);
    check(errno == 1000 + (int)me);
    for (int i = 0; i < THREADS; i++)
        check(i == me || addresses[i] != &initial);
    return (void *)(long)initial;
}

BODY {
    errno = 55;
    must(pthread_barrier_init(&barrier, NULL, THREADS));
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++)
        threads[i] = spawn(work, (void *)i);
    long sum = 0;
    for (int i = 0; i < THREADS; i++)
        sum += (long)join(threads[i]);
    say("sum %ld, own %d, errno %d", sum, initial, errno);
}
