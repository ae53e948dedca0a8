/* Memory is coherent and sequentially consistent: threads change the same and neighbouring words in every way that
 * programs do, every invariant is checked, and every thread gets on (storm/ has the parts). CHECK_SECONDS says for how long (default 0.5),
 * CHECK_THREADS with how many threads (default 4), CHECK_PART runs one part alone.
 * calls: futex clone */
#include "storm/counters.h"
#include "storm/lists.h"
#include "storm/litmus.h"
#include "storm/locks.h"

static void nothing(void) {}

static const struct part parts[] = {
    {"counters", run_counters, verify_counters},
    {"neighbours", run_neighbours, verify_neighbours},
    {"spin lock", run_spin, nothing},
    {"ticket lock", run_ticket, nothing},
    {"queue lock", run_queue, nothing},
    {"bakery", run_bakery, nothing},
    {"sequence lock", run_sequence, verify_locks},
    {"stack", run_stack, verify_stack},
    {"lists", run_lists, verify_lists},
    {"store buffering", run_buffering, nothing},
    {"message passing", run_passing, nothing},
    {"independent reads", run_independent, nothing},
    {"independent reads of one page", run_independent_together, nothing},
    {"causality", run_causality, nothing},
};
enum { PARTS = sizeof parts / sizeof *parts };

static pthread_barrier_t barrier;
static const struct part *current;

static void *run_parts(void *arg) {
    int me = (int)(intptr_t)arg;
    for (;;) {
        pthread_barrier_wait(&barrier);
        if (current == NULL)
            return arg;
        current->run(me);
        pthread_barrier_wait(&barrier);
    }
}

static double setting(const char *name, double otherwise) {
    const char *text = getenv(name);
    return text ? atof(text) : otherwise;
}

BODY {
    threads = (int)setting("CHECK_THREADS", threads);
    check(threads >= 2 && threads <= MAX_THREADS);
    const char *only = getenv("CHECK_PART");
    double each = setting("CHECK_SECONDS", 0.5) / (only ? 1 : PARTS);
    must(pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1));
    prepare_lists();
    pthread_t ids[MAX_THREADS];
    for (intptr_t i = 0; i < threads; i++)
        ids[i] = spawn(run_parts, (void *)i);
    int ran = 0;
    for (const struct part *part = parts; part < parts + PARTS; part++) {
        if (only && strcmp(only, part->name))
            continue;
        current = part;
        flag.over = false;
        for (int i = 0; i < threads; i++)
            progress[i].rounds = 0;
        pthread_barrier_wait(&barrier);
        sleep_ms((long)(each * 1e3));
        while (!all_got_on())
            sleep_ms(5);
        flag.over = true;
        pthread_barrier_wait(&barrier);
        part->verify();
        say("%s: right", part->name);
        ran++;
    }
    check(ran > 0);
    current = NULL;
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < threads; i++)
        join(ids[i]);
}
