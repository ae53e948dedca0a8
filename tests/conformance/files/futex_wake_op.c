/* FUTEX_WAKE_OP changes one word and wakes waiters of two, the second by the old value of its word.
 * calls: futex */
#include "../crew.h"
#include "../pages.h"

enum { WAIT = 128, WAKE = 129, WAKE_OP = 133, ROUNDS = 12 };
enum { SET = 0, ADD = 1, OR = 2, ANDN = 3, XOR = 4, EQ = 0, LT = 2, GT = 4 };
/* On pages of their own, which the waiters write and the waker too. */
static _Atomic uint32_t *first, *second;
static _Atomic int woken;

static long futex(_Atomic uint32_t *word, int what, uint32_t value, uintptr_t more, _Atomic uint32_t *other,
                  uint32_t last) {
    return syscall(SYS_futex, word, what, value, more, other, last);
}

static uint32_t op(int what, int argument, int compare, int with) {
    return (uint32_t)what << 28 | (uint32_t)compare << 24 | (uint32_t)argument << 12 | (uint32_t)with;
}

static void *wait_on(void *arg) {
    _Atomic uint32_t *word = arg;
    settle();
    while (*word == 100)
        futex(word, WAIT, 100, 0, NULL, 0);
    woken++;
    return NULL;
}

BODY {
    byte *area = map_island(2);
    first = (void *)(area + 64);
    second = (void *)(area + PAGE + 64);
    /* Without waiters: each operation does what it says. */
    const struct {
        int what, argument;
        uint32_t before, after;
    } cases[] = {{SET, 7, 1, 7}, {ADD, 5, 10, 15}, {OR, 6, 1, 7}, {ANDN, 3, 7, 4}, {XOR, 5, 6, 3}, {8 | OR, 4, 0, 16}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        *second = cases[i].before;
        check(futex(first, WAKE_OP, 1, 1, second, op(cases[i].what, cases[i].argument, EQ, 99)) == 0);
        check(*second == cases[i].after);
    }
    check(futex(first, WAKE_OP, 1, 1, NULL, 0) == -1 && errno == EFAULT);
    /* Behind the last address that a program can have. */
    check(futex(first, WAKE_OP, 1, 1, (void *)0x7ffffffff000, 0) == -1 && errno == EFAULT);
    for (int round = 0; round < ROUNDS; round++) {
        *first = *second = 100;
        woken = 0;
        pthread_t threads[3] = {spawn(wait_on, (void *)first), spawn(wait_on, (void *)second),
                                spawn(wait_on, (void *)second)};
        compute_ms(1);
        /* The first word ends the wait. Of the second's waiters none is woken: its old value is not below 50. */
        *first = 101;
        check(futex(first, WAKE_OP, 9, 9, second, op(ADD, 0, LT, 50)) >= 0);
        join(threads[0]);
        check(woken == 1);
        /* Now the second changes, and all its waiters are woken by the same call. */
        check(futex(first, WAKE_OP, 1, 9, second, op(ADD, 1, GT, 50)) >= 0);
        join(threads[1]);
        join(threads[2]);
        check(woken == 3 && *second == 101);
    }
    say("%d rounds", ROUNDS);
}
