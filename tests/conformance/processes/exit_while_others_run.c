/* exit from a child thread, while others compute, sleep and wait: the handlers of atexit run in the calling thread, the
 * last registered first, with the memory all threads have written; stdio is flushed; the status is the one given.
 * calls: exit_group write */
#include "../conform.h"

enum { COMPUTING = 3 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t ready;
static uint64_t results[COMPUTING][PAGE / 8];
static pid_t exiting;

static void first_registered(void) {
    check(gettid() == exiting);
    say("handler 1");
}
static void second_registered(void) {
    uint64_t sum = 0;
    for (int i = 0; i < COMPUTING; i++)
        sum += results[i][i];
    say("handler 2 sees %llu", (unsigned long long)sum);
}
static void third_registered(void) {
    printf("buffered by a handler\n");
}

static void *compute(void *arg) {
    intptr_t me = (intptr_t)arg;
    results[me][me] = (uint64_t)me * 100 + 1;
    pthread_barrier_wait(&ready);
    for (volatile uint64_t i = 0;; i++)
        ;
    return arg;
}
static void *wait_for_lock(void *arg) {
    pthread_barrier_wait(&ready);
    must(pthread_mutex_lock(&mutex));
    die("got the lock");
    return arg;
}
static void *sleep_long(void *arg) {
    pthread_barrier_wait(&ready);
    sleep_ms(100000);
    die("slept");
    return arg;
}
static void *register_handler(void *arg) {
    check(atexit(second_registered) == 0);
    return arg;
}

BODY {
    setvbuf(stdout, NULL, _IOFBF, 4096);
    must(pthread_barrier_init(&ready, NULL, COMPUTING + 3));
    must(pthread_mutex_lock(&mutex));
    for (intptr_t i = 0; i < COMPUTING; i++)
        spawn(compute, (void *)i);
    spawn(wait_for_lock, NULL);
    spawn(sleep_long, NULL);
    check(atexit(first_registered) == 0);
    join(spawn(register_handler, NULL));
    check(atexit(third_registered) == 0);
    pthread_barrier_wait(&ready);
    exiting = gettid();
    printf("buffered before exit\n");
    exit(37);
}
