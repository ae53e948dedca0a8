/* FUTEX_REQUEUE and FUTEX_CMP_REQUEUE move waiters to another word, where they are woken.
 *
 * A waiter that is stopped by job control after it was moved waits at its first word again, natively too (the kernel
 * restarts its call). So the first word changes before waiters are moved, as it must in programs that requeue: such a
 * waiter finds that, and goes to the second word by itself.
 * calls: futex */
#include "../crew.h"
#include "../pages.h"

enum { WAIT = 128, WAKE = 129, REQUEUE = 131, CMP_REQUEUE = 132, CREW = 5 };
static _Atomic uint32_t *from, *to;
static _Atomic int waiting, permits, woken;

static long futex(_Atomic uint32_t *word, int what, uint32_t value, uintptr_t more, _Atomic uint32_t *other,
                  uint32_t last) {
    return syscall(SYS_futex, word, what, value, more, other, last);
}

static bool take_permit(void) {
    for (int left = permits; left > 0;)
        if (atomic_compare_exchange_weak(&permits, &left, left - 1))
            return true;
    return false;
}

static void *wait_once(void *arg) {
    settle();
    waiting++;
    while (*from == 5)
        check(futex(from, WAIT, 5, 0, NULL, 0) == 0 || errno == EAGAIN);
    for (;;) {
        uint32_t now = *to;
        if (take_permit())
            break;
        check(futex(to, WAIT, now, 0, NULL, 0) == 0 || errno == EAGAIN);
    }
    woken++;
    return arg;
}

/* Lets `count` waiters go, and wakes as many. */
static void release(int count) {
    int before = woken;
    permits += count;
    ++*to;
    long n = futex(to, WAKE, (uint32_t)count, 0, NULL, 0);
    check(n >= 0 && n <= count);
    while (woken < before + count)
        sleep_ms(1);
    sleep_ms(3);
    check(woken == before + count && permits == 0);
}

static void round_of(int what) {
    pthread_t threads[CREW];
    waiting = permits = woken = 0;
    *from = 5;
    *to = 100;
    for (int i = 0; i < CREW; i++)
        threads[i] = spawn(wait_once, NULL);
    while (waiting < CREW)
        sleep_ms(1);
    sleep_ms(3);
    check(what == REQUEUE || (futex(from, CMP_REQUEUE, 1, 9, to, 77) == -1 && errno == EAGAIN));
    check(woken == 0);
    /* One is woken, the rest moves; from here on nobody falls asleep at the first word. */
    *from = 4;
    long n = futex(from, what, 1, 100, to, 4);
    check(n >= 0 && n <= CREW);
    check(futex(from, WAKE, 100, 0, NULL, 0) == 0);
    sleep_ms(3);
    check(woken == 0);
    release(2);
    release(CREW - 2);
    for (int i = 0; i < CREW; i++)
        join(threads[i]);
}

BODY {
    byte *area = map_island(2);
    from = (void *)area;
    to = (void *)(area + PAGE);
    round_of(CMP_REQUEUE);
    round_of(REQUEUE);
    round_of(CMP_REQUEUE);
    check(futex(from, REQUEUE, 1, 1, to, 0) == 0);
    check(futex(from, WAIT, 3, 0, NULL, 0) == -1 && errno == EAGAIN);
    say("%d waiters", CREW);
}
