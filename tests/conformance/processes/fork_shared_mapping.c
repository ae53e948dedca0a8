/* Memory mapped shared is one memory for a thread and the children it forks, locks in it included; private memory is
 * not.
 * calls: fork wait4 mmap
 * recalls: unwatched-memory */
#include "children.h"

enum { CHILDREN = 3, ROUNDS = 500 };

struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    long count;
    int ready;
    bool go;
};

BODY {
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(shared != MAP_FAILED);
    static volatile long private_count;
    pthread_mutexattr_t for_mutex;
    pthread_condattr_t for_cond;
    must(pthread_mutexattr_init(&for_mutex));
    must(pthread_mutexattr_setpshared(&for_mutex, PTHREAD_PROCESS_SHARED));
    must(pthread_mutex_init(&shared->mutex, &for_mutex));
    must(pthread_condattr_init(&for_cond));
    must(pthread_condattr_setpshared(&for_cond, PTHREAD_PROCESS_SHARED));
    must(pthread_cond_init(&shared->changed, &for_cond));
    pid_t children[CHILDREN];
    settle();
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = split();
        if (children[i] != 0)
            continue;
        must(pthread_mutex_lock(&shared->mutex));
        shared->ready++;
        must(pthread_cond_broadcast(&shared->changed));
        while (!shared->go)
            must(pthread_cond_wait(&shared->changed, &shared->mutex));
        must(pthread_mutex_unlock(&shared->mutex));
        for (int round = 0; round < ROUNDS; round++) {
            must(pthread_mutex_lock(&shared->mutex));
            shared->count++;
            private_count++;
            must(pthread_mutex_unlock(&shared->mutex));
        }
        _exit(private_count == ROUNDS ? i : 100);
    }
    must(pthread_mutex_lock(&shared->mutex));
    while (shared->ready < CHILDREN)
        must(pthread_cond_wait(&shared->changed, &shared->mutex));
    shared->go = true;
    must(pthread_cond_broadcast(&shared->changed));
    must(pthread_mutex_unlock(&shared->mutex));
    settle();
    for (int i = 0; i < CHILDREN; i++)
        check(end_of(children[i]) == i);
    say("shared %ld, private %ld", shared->count, private_count);
}
