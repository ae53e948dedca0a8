/* FUTEX_REQUEUE and FUTEX_CMP_REQUEUE move waiters to another word, where they are woken.
 * calls: futex */
#include "../crew.h"
#include "../pages.h"

enum { WAIT = 128, WAKE = 129, REQUEUE = 131, CMP_REQUEUE = 132, CREW = 5 };
static _Atomic uint32_t *from, *to;
static _Atomic int waiting, woken;

static long futex(_Atomic uint32_t *word, int what, uint32_t value, uintptr_t more, _Atomic uint32_t *other,
                  uint32_t last) {
    return syscall(SYS_futex, word, what, value, more, other, last);
}

static void *wait_once(void *arg) {
    settle();
    waiting++;
    check(futex(from, WAIT, 5, 0, NULL, 0) == 0);
    woken++;
    return arg;
}

/* All that are asleep at a word, counted by moving them to the same word's neighbour and back. */
static void round_of(int what) {
    pthread_t threads[CREW];
    waiting = woken = 0;
    *from = 5;
    *to = 6;
    for (int i = 0; i < CREW; i++)
        threads[i] = spawn(wait_once, NULL);
    while (waiting < CREW)
        sleep_ms(1);
    check(what == REQUEUE || (futex(from, CMP_REQUEUE, 1, 9, to, 77) == -1 && errno == EAGAIN));
    /* One is woken, the rest moves; those not yet asleep are moved by later calls. */
    long woke = 0, all = 0;
    while (all < CREW) {
        long n = futex(from, what, woke ? 0 : 1, 100, to, 5);
        check(n >= 0);
        if (n > 0)
            woke = 1;
        all += n;
        sleep_ms(1);
    }
    check(all == CREW && futex(from, WAKE, 100, 0, NULL, 0) == 0);
    while (woken < 1)
        sleep_ms(1);
    sleep_ms(5);
    check(woken == 1);
    check(futex(to, WAKE, 2, 0, NULL, 0) == 2);
    while (woken < 3)
        sleep_ms(1);
    check(futex(to, WAKE, 100, 0, NULL, 0) == CREW - 3);
    for (int i = 0; i < CREW; i++)
        join(threads[i]);
    check(woken == CREW);
}

BODY {
    byte *area = map_island(2);
    from = (void *)area;
    to = (void *)(area + PAGE);
    round_of(CMP_REQUEUE);
    round_of(CMP_REQUEUE);
    /* The old call returns only how many were woken: all are woken by it one after the other. */
    check(futex(from, REQUEUE, 1, 1, to, 0) == 0);
    check(futex(from, WAIT, 4, 0, NULL, 0) == -1 && errno == EAGAIN);
    say("%d waiters", CREW);
}
