/* setresuid and its like take effect in every thread: the C library interrupts all of them, wherever they are and
 * whatever they do.
 * calls: setresuid tkill
 * recalls: signal */
#include "../conform.h"

static atomic_int stop, woken;
static int ends[2];

static void *compute(void *arg) {
    while (!atomic_load(&stop))
        ;
    return arg;
}

static void *block(void *arg) {
    char c;
    check(read(ends[0], &c, 1) == 1);
    atomic_fetch_add(&woken, 1);
    return arg;
}

static void *sleep_a_while(void *arg) {
    sleep_ms(100);
    return arg;
}

BODY {
    check(pipe(ends) == 0);
    pthread_t threads[6];
    void *(*functions[3])(void *) = {compute, block, sleep_a_while};
    for (int i = 0; i < 6; i++)
        threads[i] = spawn(functions[i % 3], NULL);
    uid_t real, effective, saved;
    check(getresuid(&real, &effective, &saved) == 0);
    for (int i = 0; i < 10; i++) {
        check(setresuid(real, effective, saved) == 0);
        check(setresgid((gid_t)-1, getegid(), (gid_t)-1) == 0);
    }
    say("set");
    check(setresuid(real, effective, saved) == 0);
    atomic_store(&stop, 1);
    check(write(ends[1], "ab", 2) == 2);
    for (int i = 0; i < 6; i++)
        join(threads[i]);
    say("woken %d", woken);
}
