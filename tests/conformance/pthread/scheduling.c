/* Scheduling attributes: what a thread sets it finds, and another finds, and the kernel's calls say the same; new
 * threads inherit it or get what their attributes say; affinity masks likewise.
 * calls: sched_setscheduler sched_getscheduler sched_setaffinity sched_getaffinity */
#include "../conform.h"
#include <sys/resource.h>

static void *inherited(void *arg) {
    int policy;
    struct sched_param param;
    must(pthread_getschedparam(pthread_self(), &policy, &param));
    say("%s: policy %d, priority %d", (char *)arg, policy, param.sched_priority);
    return NULL;
}

static int set_batch(pthread_t thread) {
    struct sched_param param = {.sched_priority = 0};
    return pthread_setschedparam(thread, SCHED_BATCH, &param);
}

BODY {
    inherited("at first");
    must(set_batch(pthread_self()));
    inherited("set");
    join(spawn(inherited, "inherited"));
    /* Of the thread itself: musl's sched_getscheduler is not implemented, the kernel's is. */
    check(syscall(SYS_sched_getscheduler, 0) == SCHED_BATCH);
    check(syscall(SYS_sched_getscheduler, getpid()) == SCHED_OTHER);
    struct sched_param param = {.sched_priority = 0};
    check(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &param) == 0);
    inherited("by system call");

    pthread_attr_t attr;
    must(pthread_attr_init(&attr));
    must(pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED));
    must(pthread_attr_setschedpolicy(&attr, SCHED_BATCH));
    must(pthread_attr_setschedparam(&attr, &param));
    pthread_t thread;
    must(pthread_create(&thread, &attr, inherited, "explicit"));
    join(thread);
    must(pthread_attr_setschedpolicy(&attr, 99));
    say("no such policy: %s", strerror(pthread_create(&thread, &attr, inherited, "impossible")));
    param.sched_priority = 1000;
    say("no such priority: %s", strerror(pthread_setschedparam(pthread_self(), SCHED_OTHER, &param)));
    say("priorities %d to %d", sched_get_priority_min(SCHED_FIFO), sched_get_priority_max(SCHED_FIFO));

    cpu_set_t all, one, found;
    must(pthread_getaffinity_np(pthread_self(), sizeof all, &all));
    int cpu = 0;
    while (!CPU_ISSET(cpu, &all))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    must(pthread_setaffinity_np(pthread_self(), sizeof one, &one));
    must(pthread_getaffinity_np(pthread_self(), sizeof found, &found));
    check(CPU_EQUAL(&one, &found));
    check(sched_getcpu() == cpu);
    must(pthread_setaffinity_np(pthread_self(), sizeof all, &all));
    must(pthread_getaffinity_np(pthread_self(), sizeof found, &found));
    check(CPU_EQUAL(&all, &found));
    say("affinity");
}
