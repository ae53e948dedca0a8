/* A thread's cpus, scheduling policy and niceness are its own, are told to others by its id, and getcpu keeps to its
 * cpus.
 * calls: sched_getaffinity sched_setaffinity sched_getscheduler sched_setscheduler getcpu setpriority getpriority */
#include "../crew.h"
#include <sys/resource.h>

enum { CREW = 3 };
static pid_t tids[CREW];
static cpu_set_t allowed;
static int first, last;

static void work(int me) {
    tids[me] = gettid();
    cpu_set_t mine, seen;
    CPU_ZERO(&mine);
    CPU_SET(me == 0 ? first : last, &mine);
    check(sched_setaffinity(0, sizeof mine, &mine) == 0);
    meet();
    int other = (me + 1) % CREW;
    CPU_ZERO(&seen);
    check(sched_getaffinity(tids[other], sizeof seen, &seen) == 0);
    check(CPU_COUNT(&seen) == 1 && CPU_ISSET(other == 0 ? first : last, &seen));
    unsigned cpu, node;
    for (int i = 0; i < 20; i++) {
        check(syscall(SYS_getcpu, &cpu, &node, NULL) == 0);
        check(CPU_ISSET(cpu, &mine));
    }
    meet();
    check(sched_setaffinity(0, sizeof allowed, &allowed) == 0);
    meet();
    struct sched_param param = {0};
    if (me == 1) {
        check(syscall(SYS_sched_setscheduler, 0, 3 /* SCHED_BATCH */, &param) == 0);
        check(setpriority(PRIO_PROCESS, 0, 5) == 0);
    }
    meet();
    check(syscall(SYS_sched_getscheduler, tids[1]) == 3 && syscall(SYS_sched_getscheduler, tids[2]) == 0);
    check(getpriority(PRIO_PROCESS, (id_t)tids[1]) == 5 && getpriority(PRIO_PROCESS, (id_t)tids[2]) == 0);
    check(sched_yield() == 0);
    meet();
}

BODY {
    CPU_ZERO(&allowed);
    check(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
    first = last = -1;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed)) {
            first = first < 0 ? cpu : first;
            last = cpu;
        }
    check(first >= 0);
    if (getpriority(PRIO_PROCESS, 0) != 0) {
        say("started with another niceness");
        return;
    }
    crew(CREW, work);
    cpu_set_t none;
    CPU_ZERO(&none);
    check(sched_setaffinity(0, sizeof none, &none) == -1 && errno == EINVAL);
    check(sched_get_priority_max(SCHED_FIFO) == 99 && sched_get_priority_min(SCHED_FIFO) == 1);
    say("each has its own");
}
