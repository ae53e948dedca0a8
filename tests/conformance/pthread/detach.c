/* Detached threads, by attribute, by pthread_detach from outside and from inside, end by themselves; their number is
 * known by counting, not by joining.
 * calls: futex mmap */
#include "../conform.h"

enum { EACH = 8 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int running;
static long sum;

static void *work(void *arg) {
    must(pthread_mutex_lock(&mutex));
    sum += (long)arg;
    running--;
    must(pthread_cond_signal(&changed));
    must(pthread_mutex_unlock(&mutex));
    return NULL;
}

static void *detach_and_work(void *arg) {
    must(pthread_detach(pthread_self()));
    return work(arg);
}

static int threads_of_process(void) {
    char line[256];
    int count = -1;
    FILE *status = fopen("/proc/self/status", "r");
    check(status != NULL);
    while (fgets(line, sizeof line, status))
        if (sscanf(line, "Threads: %d", &count) == 1)
            break;
    fclose(status);
    return count;
}

BODY {
    int before = threads_of_process();
    pthread_attr_t detached;
    must(pthread_attr_init(&detached));
    must(pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED));
    int state;
    must(pthread_attr_getdetachstate(&detached, &state));
    check(state == PTHREAD_CREATE_DETACHED);

    running = 3 * EACH;
    for (long i = 0; i < EACH; i++) {
        pthread_t thread;
        must(pthread_create(&thread, &detached, work, (void *)i));
        must(pthread_detach(spawn(work, (void *)(100 * i))));
        spawn(detach_and_work, (void *)(10000 * i));
    }
    must(pthread_mutex_lock(&mutex));
    while (running > 0)
        must(pthread_cond_wait(&changed, &mutex));
    must(pthread_mutex_unlock(&mutex));
    say("sum %ld", sum);

    /* They leave the process, too. */
    for (int i = 0; threads_of_process() != before; i++) {
        if (i == 5000)
            die("%d threads are left of %d", threads_of_process(), before);
        sleep_ms(1);
    }
    say("all gone");
}
