/* A bounded queue on one mutex and two condition variables: producers and consumers on several boards, every item
 * arrives once.
 * calls: futex */
#include "../conform.h"

enum { PRODUCERS = 2, CONSUMERS = 2, ITEMS = 150, ROOM = 4, END = -1 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static int queue[ROOM], first, count;

static void put(int item) {
    must(pthread_mutex_lock(&mutex));
    while (count == ROOM)
        must(pthread_cond_wait(&not_full, &mutex));
    queue[(first + count++) % ROOM] = item;
    must(pthread_cond_signal(&not_empty));
    must(pthread_mutex_unlock(&mutex));
}

static int take(void) {
    must(pthread_mutex_lock(&mutex));
    while (count == 0)
        must(pthread_cond_wait(&not_empty, &mutex));
    int item = queue[first];
    first = (first + 1) % ROOM;
    count--;
    must(pthread_cond_signal(&not_full));
    must(pthread_mutex_unlock(&mutex));
    return item;
}

static void *produce(void *arg) {
    for (int i = 0; i < ITEMS; i++)
        put((int)(long)arg * ITEMS + i);
    return NULL;
}

static atomic_uchar seen[PRODUCERS * ITEMS];

static void *consume(void *arg) {
    int last[PRODUCERS] = {0};
    for (int item; (item = take()) != END;) {
        check(atomic_fetch_add(&seen[item], 1) == 0);
        /* One producer's items stay in order. */
        check(item % ITEMS >= last[item / ITEMS]);
        last[item / ITEMS] = item % ITEMS;
    }
    return arg;
}

BODY {
    pthread_t producers[PRODUCERS], consumers[CONSUMERS];
    for (long i = 0; i < CONSUMERS; i++)
        consumers[i] = spawn(consume, NULL);
    for (long i = 0; i < PRODUCERS; i++)
        producers[i] = spawn(produce, (void *)i);
    for (int i = 0; i < PRODUCERS; i++)
        join(producers[i]);
    for (int i = 0; i < CONSUMERS; i++)
        put(END);
    for (int i = 0; i < CONSUMERS; i++)
        join(consumers[i]);
    int arrived = 0;
    for (int i = 0; i < PRODUCERS * ITEMS; i++)
        arrived += seen[i];
    say("arrived %d of %d, left %d", arrived, PRODUCERS * ITEMS, count);
}
