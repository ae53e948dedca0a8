/* Threads return values by return and by pthread_exit, from deep frames as well; self and equal agree.
 * calls: mmap munmap mprotect futex */
#include "../conform.h"

static pthread_t seen[3];

__attribute__((noinline)) static long leave(volatile int *depth, void *value) {
    volatile char frame[64];
    frame[0] = 1;
    if (--*depth == 0)
        pthread_exit(value);
    if (*depth < 0)
        return 0;
    return leave(depth, value) + frame[0];
}

static void *by_return(void *arg) {
    seen[0] = pthread_self();
    return (char *)arg + 1;
}

static void *by_exit(void *arg) {
    seen[1] = pthread_self();
    pthread_exit((char *)arg + 2);
}

static void *from_deep(void *arg) {
    seen[2] = pthread_self();
    volatile int depth = 100;
    leave(&depth, (char *)arg + 3);
    return NULL;
}

/* Is joined after its end. */
static void *early(void *arg) {
    atomic_store((atomic_int *)arg, 1);
    return (void *)7;
}

BODY {
    void *(*functions[3])(void *) = {by_return, by_exit, from_deep};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = spawn(functions[i], (void *)(1000l * i));
    for (int i = 0; i < 3; i++) {
        long result = (long)join(threads[i]);
        check(pthread_equal(threads[i], seen[i]));
        check(!pthread_equal(threads[i], pthread_self()));
        say("thread %d returned %ld", i, result);
    }
    check(pthread_equal(pthread_self(), pthread_self()));

    atomic_int ended = 0;
    pthread_t thread = spawn(early, &ended);
    while (!atomic_load(&ended))
        sched_yield();
    sleep_ms(20);
    say("joined late: %ld", (long)join(thread));

    /* The result of a join is optional. */
    thread = spawn(by_return, NULL);
    must(pthread_join(thread, NULL));
    say("thread and process: %s", gettid() == getpid() ? "one id" : "two ids");
}
