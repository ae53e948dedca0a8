/* A forked child can have threads and locks of its own; the handlers of pthread_atfork run in their order, in the
 * forking thread and in the child.
 * calls: fork wait4 */
#include "children.h"

enum { THREADS = 3, ROUNDS = 1000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long counter;
static char order[16];

static void note(char what) {
    order[strlen(order)] = what;
}
static void before_1(void) {
    must(pthread_mutex_lock(&mutex));
    note('1');
}
static void before_2(void) {
    note('2');
}
static void parent_1(void) {
    note('p');
    must(pthread_mutex_unlock(&mutex));
}
static void parent_2(void) {
    note('P');
}
static void child_1(void) {
    note('c');
    must(pthread_mutex_unlock(&mutex));
}
static void child_2(void) {
    note('C');
}

static void *add(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        must(pthread_mutex_lock(&mutex));
        counter++;
        must(pthread_mutex_unlock(&mutex));
    }
    return arg;
}

static void run_threads(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = spawn(add, NULL);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
}

BODY {
    must(pthread_atfork(before_1, parent_1, child_1));
    must(pthread_atfork(before_2, parent_2, child_2));
    run_threads();
    pid_t child = split();
    if (child == 0) {
        run_threads();
        say("in the child %s, counter %ld", order, counter);
        _exit(3);
    }
    check(end_of(child) == 3);
    run_threads();
    say("in the parent %s, counter %ld", order, counter);
}
