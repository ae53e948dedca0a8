/* Named semaphores between threads, and between a thread and a child process.
 * calls: open unlink
 * recalls: unwatched-memory fork */
#include "../conform.h"
#include <semaphore.h>

static char name[64];

static void *open_and_post(void *arg) {
    sem_t *sem = sem_open(name, 0);
    check(sem != SEM_FAILED);
    for (int i = 0; i < 10; i++)
        check(sem_post(sem) == 0);
    check(sem_close(sem) == 0);
    return arg;
}

BODY {
    snprintf(name, sizeof name, "/rtx-conform-%d", (int)getpid());
    sem_unlink(name);
    check(sem_open(name, 0) == SEM_FAILED);
    say("missing: %s", strerror(errno));
    sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, 3);
    check(sem != SEM_FAILED);
    int value;
    check(sem_getvalue(sem, &value) == 0);
    say("value %d", value);
    check(sem_open(name, O_CREAT | O_EXCL, 0600, 3) == SEM_FAILED);
    say("again: %s", strerror(errno));

    pthread_t thread = spawn(open_and_post, NULL);
    for (int i = 0; i < 13; i++)
        check(sem_wait(sem) == 0);
    join(thread);
    check(sem_trywait(sem) == -1 && errno == EAGAIN);
    say("13 taken");

    pid_t child = fork();
    check(child >= 0);
    if (child == 0) {
        open_and_post(NULL);
        _exit(3);
    }
    for (int i = 0; i < 10; i++)
        check(sem_wait(sem) == 0);
    int status;
    check(waitpid(child, &status, 0) == child);
    check(sem_trywait(sem) == -1 && errno == EAGAIN);
    say("10 taken from a child with status %d", WEXITSTATUS(status));

    check(sem_unlink(name) == 0);
    check(sem_open(name, 0) == SEM_FAILED);
    say("unlinked: %s", strerror(errno));
    check(sem_close(sem) == 0);
}
