/* Cleanup handlers run in reverse order through all frames, then the destructors of thread-specific data; popped ones
 * do not, or once if asked to; pthread_exit runs them like cancellation, return does not.
 * calls: futex */
#include "../conform.h"

static char order[64];
static int length;
static pthread_key_t key;

static void note(void *arg) { order[length++] = *(char *)arg; }

__attribute__((noinline)) static void inner(bool leave) {
    pthread_cleanup_push(note, "i");
    pthread_cleanup_push(note, "j");
    pthread_cleanup_push(note, "x");
    pthread_cleanup_pop(0);
    pthread_cleanup_push(note, "p");
    pthread_cleanup_pop(1);
    if (leave)
        pthread_exit(NULL);
    sleep_ms(1000000);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
}

static void *cancelled(void *arg) {
    must(pthread_setspecific(key, "d"));
    pthread_cleanup_push(note, "a");
    pthread_cleanup_push(note, "b");
    inner(arg != NULL);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *returns(void *arg) {
    must(pthread_setspecific(key, "d"));
    pthread_cleanup_push(note, "y");
    pthread_cleanup_pop(0);
    return arg;
}

/* A handler can itself block, is not cancelled again, and can use the mutex. */
static void slow(void *arg) {
    sleep_ms(5);
    pthread_testcancel();
    note(arg);
}

static void *cleans_slowly(void *arg) {
    pthread_cleanup_push(slow, "s");
    sleep_ms(1000000);
    pthread_cleanup_pop(0);
    return arg;
}

static void report(const char *name) {
    order[length] = 0;
    say("%s: %s", name, order);
    length = 0;
}

BODY {
    must(pthread_key_create(&key, note));
    pthread_t thread = spawn(cancelled, NULL);
    sleep_ms(10);
    must(pthread_cancel(thread));
    check(join(thread) == PTHREAD_CANCELED);
    report("cancelled");
    join(spawn(cancelled, "exit"));
    report("exited");
    join(spawn(returns, NULL));
    report("returned");
    thread = spawn(cleans_slowly, NULL);
    sleep_ms(10);
    must(pthread_cancel(thread));
    check(join(thread) == PTHREAD_CANCELED);
    report("slow handler");
}
