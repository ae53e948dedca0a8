/* Cancels a thread that blocks in a call, and one whose cancellation is pending when it comes to the call. */
#ifndef CANCEL_H
#define CANCEL_H

#include "../conform.h"

struct blocking {
    const char *name;
    void (*call)(void);
    atomic_int state;
    bool wait_first;
};

enum { STARTED = 1, CANCELLED = 2, CLEANED = 3, RETURNED = 4 };

static void blocking_cleanup(void *arg) {
    struct blocking *it = arg;
    atomic_store(&it->state, CLEANED);
}

static void *blocking_thread(void *arg) {
    struct blocking *it = arg;
    pthread_cleanup_push(blocking_cleanup, it);
    atomic_store(&it->state, STARTED);
    if (it->wait_first)
        while (atomic_load(&it->state) != CANCELLED)
            sched_yield();
    it->call();
    atomic_store(&it->state, RETURNED);
    pthread_cleanup_pop(0);
    return NULL;
}

static void cancel_once(const char *name, void (*call)(void), bool pending) {
    struct blocking it = {.name = name, .call = call, .wait_first = pending};
    pthread_t thread = spawn(blocking_thread, &it);
    while (atomic_load(&it.state) != STARTED)
        sched_yield();
    if (!pending)
        sleep_ms(15); /* so that it blocks */
    check(atomic_load(&it.state) == STARTED);
    must(pthread_cancel(thread));
    if (pending)
        atomic_store(&it.state, CANCELLED);
    void *result = join(thread);
    if (atomic_load(&it.state) != CLEANED || result != PTHREAD_CANCELED)
        die("%s %s: state %d, result %p", name, pending ? "pending" : "blocked", it.state, result);
}

static inline void cancel_in(const char *name, void (*call)(void)) {
    cancel_once(name, call, false);
    cancel_once(name, call, true);
    say("cancelled in %s", name);
}

#endif
