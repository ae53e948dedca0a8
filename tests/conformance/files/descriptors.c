/* Descriptors are shared by all threads: the lowest number first, dup, dup3, close in one and use in another, close-
 * on-exec by exec.
 * calls: fcntl dup dup3 close
 * recalls: fork exec */
#include "../crew.h"
#include "scratch.h"

enum { CREW = 2 };
static int numbers[6];

/* The program executed by its forked process: says which descriptors are left. */
__attribute__((constructor)) static void after_exec(void) {
    if (!getenv("CONFORM_EXECUTED"))
        return;
    char text[8] = "......";
    for (int i = 0; i < 4; i++)
        text[i] = fcntl(100 + i, F_GETFD) >= 0 ? '#' : '.';
    say("after exec: %s", text);
    _exit(0);
}

static void work(int me) {
    if (me == 0) {
        for (int i = 0; i < 6; i++)
            numbers[i] = open("/dev/null", O_RDWR);
        check(numbers[5] == numbers[0] + 5);
        check(close(numbers[2]) == 0);
    }
    meet();
    if (me == 1) {
        check(write(numbers[2], "x", 1) == -1 && errno == EBADF);
        check(dup(numbers[0]) == numbers[2]);
        check(dup3(numbers[1], 100, 0) == 100 && dup3(numbers[1], 101, O_CLOEXEC) == 101);
        check(dup3(numbers[1], numbers[1], 0) == -1 && errno == EINVAL);
        check(dup2(numbers[1], numbers[1]) == numbers[1]);
        check(fcntl(numbers[0], F_DUPFD, 102) == 102 && fcntl(numbers[0], F_DUPFD_CLOEXEC, 103) == 103);
    }
    meet();
    if (me == 0) {
        check(write(numbers[2], "x", 1) == 1 && write(103, "x", 1) == 1);
        check(fcntl(100, F_GETFD) == 0 && fcntl(101, F_GETFD) == FD_CLOEXEC);
        check(fcntl(102, F_GETFD) == 0 && fcntl(103, F_GETFD) == FD_CLOEXEC);
        check(fcntl(100, F_SETFD, FD_CLOEXEC) == 0 && fcntl(103, F_SETFD, 0) == 0);
    }
    meet();
    if (me == 1) {
        pid_t pid = fork();
        check(pid >= 0);
        if (pid == 0) {
            check(setenv("CONFORM_EXECUTED", "1", 1) == 0);
            execl("/proc/self/exe", "executed", (char *)NULL);
            _exit(1);
        }
        exited_well(pid);
    }
    meet();
}

BODY {
    crew(CREW, work);
    check(close(100) == 0 && close(100) == -1 && errno == EBADF);
    say("shared");
}
