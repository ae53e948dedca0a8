/* A crew: threads that run one function at the same time, each settled first, and meet at a barrier.
 *
 *     static void work(int me) { ...; meet(); ... }
 *     crew(4, work);                       the caller waits for them
 *     crew_begin(4, 1, work); meet(); ...; crew_end();     the caller takes part in the meetings (1) */
#ifndef CONFORM_CREW_H
#define CONFORM_CREW_H
#include "conform.h"

enum { CREW_MOST = 16 };

static pthread_barrier_t crew_barrier;
static pthread_t crew_threads[CREW_MOST];
static int crew_size;
static void (*crew_work)(int me);

static void *crew_thread(void *arg) {
    settle();
    crew_work((int)(intptr_t)arg);
    return NULL;
}

/* All members, and the caller if it is one of the meeting, wait for each other. */
static inline void meet(void) {
    int result = pthread_barrier_wait(&crew_barrier);
    if (result != 0 && result != PTHREAD_BARRIER_SERIAL_THREAD)
        must(result);
}

static inline void crew_begin(int size, int guests, void (*work)(int me)) {
    check(size <= CREW_MOST);
    must(pthread_barrier_init(&crew_barrier, NULL, (unsigned)(size + guests)));
    crew_size = size;
    crew_work = work;
    for (int i = 0; i < size; i++)
        crew_threads[i] = spawn(crew_thread, (void *)(intptr_t)i);
}

static inline void crew_end(void) {
    for (int i = 0; i < crew_size; i++)
        join(crew_threads[i]);
    must(pthread_barrier_destroy(&crew_barrier));
}

static inline void crew(int size, void (*work)(int me)) {
    crew_begin(size, 0, work);
    crew_end();
}

#endif
