/* A child thread copies standard input to standard output, another one counts its bytes through a pipe. */
#include "common.h"

#include <unistd.h>

static int ends[2];

static void write_all(int fd, const char *data, size_t length) {
    while (length) {
        ssize_t written = write(fd, data, length);
        if (written < 0)
            die("cannot write: %s", strerror(errno));
        data += written, length -= (size_t)written;
    }
}

static void *copy(void *arg) {
    (void)arg;
    static char block[65536];
    ssize_t length;
    while ((length = read(STDIN_FILENO, block, sizeof block)) > 0) {
        write_all(STDOUT_FILENO, block, (size_t)length);
        write_all(ends[1], block, (size_t)length);
    }
    close(ends[1]);
    return NULL;
}

static void *count(void *arg) {
    char block[4096];
    ssize_t length;
    while ((length = read(ends[0], block, sizeof block)) > 0)
        *(size_t *)arg += (size_t)length;
    return NULL;
}

int main(void) {
    size_t bytes = 0;
    pthread_t copier, counter;
    if (pipe(ends))
        die("no pipe");
    must(pthread_create(&copier, NULL, copy, NULL), "pthread_create");
    must(pthread_create(&counter, NULL, count, &bytes), "pthread_create");
    must(pthread_join(copier, NULL), "pthread_join");
    must(pthread_join(counter, NULL), "pthread_join");
    fprintf(stderr, "%zu bytes\n", bytes);
    return 0;
}
