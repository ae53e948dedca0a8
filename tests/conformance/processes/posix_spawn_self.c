/* posix_spawn executes a program with other files, another mask, another group and an environment of its own, and says
 * at once if it cannot.
 * calls: clone wait4 pipe2 */
#include "roles.h"

#include <spawn.h>

static int role(int count, char **args) {
    check(count == 1);
    sigset_t mask;
    must(pthread_sigmask(SIG_BLOCK, NULL, &mask));
    char word[16] = "";
    check(read(STDIN_FILENO, word, sizeof word - 1) > 0);
    printf("%s read %s, USR1 %s, USR2 %s, group %s, VARIABLE=%s, HOME %s", args[0], word,
           sigismember(&mask, SIGUSR1) ? "blocked" : "open", sigismember(&mask, SIGUSR2) ? "blocked" : "open",
           getpgrp() == getpid() ? "own" : "inherited", getenv("VARIABLE"), getenv("HOME") ? "set" : "unset");
    return 23;
}

BODY {
    int in[2], out[2];
    make_pipe(in);
    make_pipe(out);
    posix_spawn_file_actions_t files;
    must(posix_spawn_file_actions_init(&files));
    must(posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO));
    must(posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO));
    posix_spawnattr_t attributes;
    must(posix_spawnattr_init(&attributes));
    must(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP));
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    must(posix_spawnattr_setsigmask(&attributes, &mask));
    must(posix_spawnattr_setpgroup(&attributes, 0));
    char *args[] = {"self", "spawned", NULL}, *environment[] = {"VARIABLE=value", NULL};
    pid_t child;
    must(posix_spawn(&child, SELF, &files, &attributes, args, environment));
    close(in[0]);
    close(out[1]);
    write_all(in[1], "word", 4);
    close(in[1]);
    int end = end_of(child);
    char text[512] = "";
    check(read(out[0], text, sizeof text - 1) > 0);
    say("%s", text);
    say("it ended with %d", end);
    check(posix_spawn(&child, "/proc/self/nothing", NULL, NULL, args, environment) == ENOENT);
    check(posix_spawn(&child, "/proc/self/maps", NULL, NULL, args, environment) == EACCES);
    check(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    say("what cannot be executed leaves no child");
}
