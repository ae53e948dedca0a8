/* Child threads that fork: the child process sees the memory of that moment and changes only its own. */
#include "common.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS (1024 * 1024)
#define FORKS 8

extern char **environ;
static uint64_t *shared;
static size_t forks; /* counted by whose turn it is */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static uint64_t sum_of(const uint64_t *words) {
    uint64_t sum = 0;
    for (size_t i = 0; i < WORDS; i++)
        sum = checksum_word(sum, words[i]);
    return sum;
}

static int status_of(pid_t child) {
    int status;
    if (waitpid(child, &status, 0) != child)
        die("waitpid: %s", strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* A forked process computes the sum, sends it through a pipe, and scribbles over its copy. */
static void fork_once(size_t me, size_t round) {
    int ends[2];
    lock(&turn);
    shared[me * 1000 + round] = mix64(me + round);
    uint64_t expected = sum_of(shared), found = 0;
    if (pipe(ends))
        die("no pipe");
    pid_t child = fork();
    if (child < 0)
        die("fork: %s", strerror(errno));
    if (child == 0) {
        found = sum_of(shared);
        memset(shared, 0xff, WORDS * sizeof *shared);
        (void)!write(ends[1], &found, sizeof found);
        _exit((int)(me + 10));
    }
    close(ends[1]);
    if (read(ends[0], &found, sizeof found) != sizeof found || found != expected)
        die("the child of thread %zu saw other memory in round %zu", me, round);
    close(ends[0]);
    if (status_of(child) != (int)me + 10)
        die("the child of thread %zu ended wrongly in round %zu", me, round);
    if (sum_of(shared) != expected)
        die("a child process changed its parent's memory");
    forks++;
    unlock(&turn);
}

static void *fork_often(void *arg) {
    for (size_t round = 0; round < FORKS; round++)
        fork_once((size_t)arg, round);
    return NULL;
}

/* posix_spawn shares its memory with the new process for a moment (vfork). */
static void *spawn_program(void *arg) {
    (void)arg;
    char *words[] = {"echo", "spawned", NULL};
    pid_t child;
    fflush(stdout);
    must(posix_spawn(&child, "/bin/echo", NULL, NULL, words, environ), "posix_spawn");
    printf("echo ended with %d\n", status_of(child));
    return NULL;
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    shared = new_pages(WORDS * sizeof *shared);
    for (size_t i = 0; i < WORDS; i++)
        shared[i] = mix64(i);
    run_threads(2, fork_often);
    printf("%zu forks\n", forks);
    run_threads(1, spawn_program);
    FILE *command = popen("exit 7", "r");
    printf("popen ended with %d\n", WEXITSTATUS(pclose(command)));
    /* A child process outlives the thread that forked it, and has threads of its own. */
    pid_t child = fork();
    if (child == 0) {
        run_threads(2, fork_often);
        _exit(5);
    }
    printf("child with threads ended with %d\n", status_of(child));
    return 0;
}
