/* pthread_atfork handlers around a fork in a thread, in their order; the child has one thread, memory of its own, and a
 * mutex that the handlers kept consistent while other threads used it.
 * calls: wait4
 * recalls: fork */
#include "../conform.h"
#include <dirent.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char order[32];
static int length;
static long pair[2];
static atomic_int stop;

static void lock(void) {
    order[length++] = '1';
    must(pthread_mutex_lock(&mutex));
}

static void unlock_in_parent(void) {
    order[length++] = 'p';
    must(pthread_mutex_unlock(&mutex));
}

static void unlock_in_child(void) {
    order[length++] = 'c';
    must(pthread_mutex_unlock(&mutex));
}

static void second_before(void) { order[length++] = '2'; }
static void second_parent(void) { order[length++] = 'P'; }
static void second_child(void) { order[length++] = 'C'; }

static void *keep_equal(void *arg) {
    while (!atomic_load(&stop)) {
        must(pthread_mutex_lock(&mutex));
        pair[0]++;
        sched_yield();
        pair[1]++;
        must(pthread_mutex_unlock(&mutex));
    }
    return arg;
}

static int count_threads(void) {
    DIR *tasks = opendir("/proc/self/task");
    check(tasks != NULL);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

BODY {
    must(pthread_atfork(lock, unlock_in_parent, unlock_in_child));
    must(pthread_atfork(second_before, second_parent, second_child));
    pthread_t writers[2] = {spawn(keep_equal, NULL), spawn(keep_equal, NULL)};
    for (int i = 0; i < 5; i++) {
        length = 0;
        pid_t child = fork();
        check(child >= 0);
        order[length] = 0;
        if (child == 0) {
            must(pthread_mutex_lock(&mutex));
            check(pair[0] == pair[1]);
            check(count_threads() == 1);
            say("child %d: %s", i, order);
            pair[0] = -1;
            pthread_t thread = spawn(keep_equal, NULL);
            atomic_store(&stop, 1);
            must(pthread_mutex_unlock(&mutex));
            join(thread);
            _exit(i + 1);
        }
        int status;
        check(waitpid(child, &status, 0) == child);
        say("parent %d: %s, child's status %d", i, order, WEXITSTATUS(status));
    }
    atomic_store(&stop, 1);
    join(writers[0]);
    join(writers[1]);
    check(pair[0] == pair[1]);
}
