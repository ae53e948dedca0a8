/* Main maps one file after the other at the same address; a child thread always sees the present one. */
#include "common.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROUNDS 20
#define LENGTH 16384

static _Atomic size_t step;
static const char *volatile mapped;

static void *look(void *arg) {
    (void)arg;
    for (size_t round = 0; round < ROUNDS; round++) {
        while (step != 2 * round + 1)
            ;
        for (size_t i = 0; i < LENGTH; i++)
            if (mapped[i] != (char)('a' + round))
                die("byte %zu of file %zu is another file's", i, round);
        step = 2 * round + 2;
    }
    return NULL;
}

int main(void) {
    pthread_t thread;
    must(pthread_create(&thread, NULL, look, NULL), "pthread_create");
    for (size_t round = 0; round < ROUNDS; round++) {
        char name[] = "fileXXXXXX", bytes[LENGTH];
        int file = mkstemp(name);
        unlink(name);
        memset(bytes, 'a' + (int)round, LENGTH);
        if (write(file, bytes, LENGTH) != LENGTH)
            die("write: %s", strerror(errno));
        void *at = mmap((void *)0x30000000, LENGTH, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0);
        if (at == MAP_FAILED)
            die("mmap: %s", strerror(errno));
        close(file);
        mapped = at;
        step = 2 * round + 1;
        while (step != 2 * round + 2)
            ;
        munmap(at, LENGTH);
    }
    must(pthread_join(thread, NULL), "pthread_join");
    printf("%d files seen\n", ROUNDS);
    return 0;
}
