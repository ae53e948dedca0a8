/* Threads that fork as soon as they exist, while others are still being made: each child sees its parent's memory. */
#include "common.h"

#include <sys/wait.h>
#include <unistd.h>

#define BYTES 100000

static void *fork_at_once(void *arg) {
    uint64_t words[1000];
    unsigned char *bytes = malloc(BYTES);
    (void)arg;
    for (size_t i = 0; i < 1000; i++)
        words[i] = i * 7;
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (unsigned char)(i * 3);
    pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < 1000; i++)
            if (words[i] != i * 7)
                _exit(1);
        for (size_t i = 0; i < BYTES; i++)
            if (bytes[i] != (unsigned char)(i * 3))
                _exit(2);
        _exit(0);
    }
    int status = -1;
    if (waitpid(child, &status, 0) != child || status != 0)
        die("a child ended with %x", (unsigned)status);
    free(bytes);
    return NULL;
}

int main(void) {
    run_threads(8, fork_at_once);
    printf("every child saw its parent's memory\n");
    return 0;
}
