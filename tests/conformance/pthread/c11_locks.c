/* C11: mtx_* plain, recursive and timed; cnd_* signal, broadcast and timed.
 * calls: futex */
#include "../conform.h"
#include <threads.h>

enum { THREADS = 3, ROUNDS = 200 };

static mtx_t plain, recursive, timed;
static cnd_t changed;
static int counter, ready;

static struct timespec in_ms(long ms) {
    struct timespec time;
    check(timespec_get(&time, TIME_UTC) == TIME_UTC);
    time.tv_nsec += ms * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static int add(void *arg) {
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        check(mtx_lock(&recursive) == thrd_success);
        check(mtx_lock(&recursive) == thrd_success);
        counter++;
        check(mtx_unlock(&recursive) == thrd_success);
        check(mtx_unlock(&recursive) == thrd_success);
    }
    check(mtx_lock(&plain) == thrd_success);
    ready++;
    check(cnd_broadcast(&changed) == thrd_success);
    while (ready <= THREADS)
        check(cnd_wait(&changed, &plain) == thrd_success);
    check(mtx_unlock(&plain) == thrd_success);
    return 0;
}

static int others(void *arg) {
    (void)arg;
    struct timespec until = in_ms(20);
    check(mtx_trylock(&timed) == thrd_busy);
    check(mtx_timedlock(&timed, &until) == thrd_timedout);
    return 0;
}

BODY {
    check(mtx_init(&plain, mtx_plain) == thrd_success);
    check(mtx_init(&recursive, mtx_plain | mtx_recursive) == thrd_success);
    check(mtx_init(&timed, mtx_timed) == thrd_success);
    check(cnd_init(&changed) == thrd_success);

    thrd_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        check(thrd_create(&threads[i], add, NULL) == thrd_success);
    check(mtx_lock(&plain) == thrd_success);
    while (ready < THREADS)
        check(cnd_wait(&changed, &plain) == thrd_success);
    ready++;
    check(cnd_broadcast(&changed) == thrd_success);
    check(mtx_unlock(&plain) == thrd_success);
    for (int i = 0; i < THREADS; i++)
        check(thrd_join(threads[i], NULL) == thrd_success);
    say("counter %d, ready %d", counter, ready);

    struct timespec until = in_ms(30000);
    check(mtx_timedlock(&timed, &until) == thrd_success);
    check(thrd_create(&threads[0], others, NULL) == thrd_success);
    check(thrd_join(threads[0], NULL) == thrd_success);
    say("busy, timed out");
    until = in_ms(20);
    int result;
    while ((result = cnd_timedwait(&changed, &timed, &until)) == thrd_success)
        ; /* spurious */
    check(result == thrd_timedout);
    check(mtx_unlock(&timed) == thrd_success);
    say("condition timed out");
    cnd_destroy(&changed);
    mtx_destroy(&plain);
    mtx_destroy(&recursive);
    mtx_destroy(&timed);
}
