/* Who threads are: pid, parent, user and groups the same for all, thread ids different, and what setting one does.
 * calls: getppid getuid geteuid getgid getegid getpgid getsid getgroups getresuid set_tid_address */
#include "../crew.h"

enum { CREW = 4 };
static pid_t tids[CREW], main_pid;

static void work(int me) {
    check(getpid() == main_pid && syscall(SYS_getpid) == main_pid);
    tids[me] = (pid_t)syscall(SYS_gettid);
    check(tids[me] == gettid() && tids[me] != main_pid);
    meet();
    for (int i = 0; i < CREW; i++)
        check(i == me || tids[i] != tids[me]);
    uid_t real, effective, saved;
    check(getresuid(&real, &effective, &saved) == 0 && real == getuid() && effective == geteuid());
    gid_t groups[200];
    check(getgroups(200, groups) == getgroups(0, NULL));
    check(getgid() == getegid() || geteuid() != getuid());
    check(getpgid(0) == getpgrp() && getpgid(main_pid) == getpgrp() && getsid(0) > 0);
    check(getppid() > 0 && kill(main_pid, 0) == 0);
    /* By its thread id each is found in its process, and the thread's group is the process. */
    check(syscall(SYS_tgkill, main_pid, tids[(me + 1) % CREW], 0) == 0);
    check(syscall(SYS_tgkill, 1, tids[me], 0) == -1);
    meet();
}

BODY {
    main_pid = getpid();
    check(geteuid() == getuid() && getegid() == getgid());
    /* Where this thread's end is told; musl's own place again. */
    int word = 0;
    check(syscall(SYS_set_tid_address, &word) == gettid());
    crew(CREW, work);
    for (int i = 0; i < CREW; i++) {
        /* A thread can be joined a moment before its number is free. */
        while (syscall(SYS_tgkill, main_pid, tids[i], 0) == 0)
            sleep_ms(1);
        check(errno == ESRCH);
    }
    say("%d threads of one process", CREW + 2);
    exit(0);
}
