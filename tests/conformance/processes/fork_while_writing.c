/* A child forked while other threads write has, of each thread, a state the thread went through: of two words on two
 * pages that a thread sets one after the other, the second is never ahead of the first, nor more than one behind.
 * calls: fork wait4 */
#include "children.h"

enum { WRITERS = 3, FORKS = 12, APART = 5 };

struct line {
    _Atomic uint64_t word;
    char rest[PAGE - 8];
};
static struct line lines[WRITERS][APART];
static atomic_bool over;

static void *keep_writing(void *arg) {
    struct line *mine = lines[(intptr_t)arg];
    for (uint64_t n = 1; !atomic_load(&over); n++)
        for (int i = 0; i < APART; i++)
            atomic_store(&mine[i].word, n);
    return arg;
}

static void verify(void) {
    for (int t = 0; t < WRITERS; t++)
        for (int i = 1; i < APART; i++) {
            uint64_t first = lines[t][i - 1].word, second = lines[t][i].word;
            if (second > first || lines[t][0].word > lines[t][APART - 1].word + 1)
                die("thread %d wrote %d: %llu, %d: %llu", t, i - 1, (unsigned long long)first, i,
                    (unsigned long long)second);
        }
}

BODY {
    pthread_t threads[WRITERS];
    for (intptr_t i = 0; i < WRITERS; i++)
        threads[i] = spawn(keep_writing, (void *)i);
    settle();
    for (int i = 0; i < FORKS; i++) {
        pid_t child = split();
        if (child == 0) {
            verify();
            _exit(i + 1);
        }
        check(end_of(child) == i + 1);
        compute_ms(1);
    }
    over = true;
    for (int i = 0; i < WRITERS; i++)
        join(threads[i]);
    say("%d children were of one moment", FORKS);
}
