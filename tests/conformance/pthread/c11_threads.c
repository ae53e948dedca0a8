/* C11: thrd_create, join, detach, exit, sleep, yield, equal; call_once; tss with destructors.
 * calls: futex */
#include "../conform.h"
#include <threads.h>

static once_flag flag = ONCE_FLAG_INIT;
static atomic_int once, destroyed, detached;
static tss_t specific;

static void run_once(void) { atomic_fetch_add(&once, 1); }

static void destroy(void *value) { atomic_fetch_add(&destroyed, *(int *)value); }

static int work(void *arg) {
    call_once(&flag, run_once);
    check(tss_get(specific) == NULL);
    check(tss_set(specific, arg) == thrd_success);
    thrd_yield();
    check(tss_get(specific) == arg);
    if (*(int *)arg % 2)
        thrd_exit(*(int *)arg * 10);
    return *(int *)arg * 10;
}

static int end_alone(void *arg) {
    atomic_store((atomic_int *)arg, 1);
    return 0;
}

BODY {
    check(tss_create(&specific, destroy) == thrd_success);
    thrd_t threads[4];
    int values[4];
    for (int i = 0; i < 4; i++) {
        values[i] = i + 1;
        check(thrd_create(&threads[i], work, &values[i]) == thrd_success);
    }
    int sum = 0;
    for (int i = 0; i < 4; i++) {
        int result;
        check(!thrd_equal(threads[i], thrd_current()));
        check(thrd_join(threads[i], &result) == thrd_success);
        sum += result;
    }
    check(thrd_equal(thrd_current(), thrd_current()));
    say("sum %d, once %d, destroyed %d", sum, once, destroyed);
    tss_delete(specific);

    thrd_t thread;
    check(thrd_create(&thread, end_alone, &detached) == thrd_success);
    check(thrd_detach(thread) == thrd_success);
    while (!atomic_load(&detached))
        thrd_yield();
    say("detached");

    struct timespec time = {0, 10000000}, now, before;
    check(timespec_get(&before, TIME_UTC) == TIME_UTC);
    check(thrd_sleep(&time, NULL) == 0);
    check(timespec_get(&now, TIME_UTC) == TIME_UTC);
    long slept = (now.tv_sec - before.tv_sec) * 1000000000 + now.tv_nsec - before.tv_nsec;
    check(slept >= 10000000);
    say("slept");
}
