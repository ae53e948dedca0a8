/* POSIX allows to destroy a condition variable, and to reuse its memory, as soon as a broadcast has been made, and a
 * mutex as soon as it is unlocked for the last time: late accesses by those who wake up would corrupt the memory.
 * calls: futex */
#include "../conform.h"

enum { WAITERS = 3, ROUNDS = 40 };

struct room {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int waiting, users;
    bool open;
};

static void leave(struct room *room) {
    int users = --room->users;
    must(pthread_mutex_unlock(&room->mutex));
    if (users == 0) {
        must(pthread_mutex_destroy(&room->mutex));
        memset(room, 0xa5, sizeof *room);
    }
}

static void *wait_inside(void *arg) {
    struct room *room = arg;
    must(pthread_mutex_lock(&room->mutex));
    room->waiting++;
    while (!room->open)
        must(pthread_cond_wait(&room->cond, &room->mutex));
    leave(room);
    return NULL;
}

static bool filled_with(const void *memory, unsigned char value, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (((const unsigned char *)memory)[i] != value)
            return false;
    return true;
}

BODY {
    for (int i = 0; i < ROUNDS; i++) {
        struct room *room = malloc(sizeof *room);
        check(room != NULL);
        *room = (struct room){.users = WAITERS + 1};
        must(pthread_mutex_init(&room->mutex, NULL));
        must(pthread_cond_init(&room->cond, NULL));
        pthread_t threads[WAITERS];
        for (int j = 0; j < WAITERS; j++)
            threads[j] = spawn(wait_inside, room);
        must(pthread_mutex_lock(&room->mutex));
        while (room->waiting < WAITERS) {
            must(pthread_mutex_unlock(&room->mutex));
            sched_yield();
            must(pthread_mutex_lock(&room->mutex));
        }
        room->open = true;
        must(pthread_cond_broadcast(&room->cond));
        must(pthread_cond_destroy(&room->cond));
        memset(&room->cond, 0x5a, sizeof room->cond);
        leave(room);
        for (int j = 0; j < WAITERS; j++)
            join(threads[j]);
        check(filled_with(room, 0xa5, sizeof *room));
        free(room);
    }
    say("%d rooms", ROUNDS);
}
