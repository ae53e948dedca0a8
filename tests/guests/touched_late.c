/* Main has many mappings; a child thread reads them all once it is told to by a byte of input. */
#include "common.h"

#include <sys/mman.h>
#include <unistd.h>

#define MAPPINGS 1000
#define FIRST 0x30000000
#define APART 0x10000

static void *look(void *arg) {
    (void)arg;
    char byte;
    if (read(0, &byte, 1) != 1)
        die("read: %s", strerror(errno));
    for (size_t i = 0; i < MAPPINGS; i++)
        if (*(const volatile char *)(FIRST + i * APART) != 'x')
            die("mapping %zu has lost its content", i);
    return NULL;
}

int main(void) {
    for (size_t i = 0; i < MAPPINGS; i++) {
        char *at = mmap((void *)(FIRST + i * APART), 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (at == MAP_FAILED)
            die("mmap: %s", strerror(errno));
        *at = 'x';
    }
    pthread_t thread;
    must(pthread_create(&thread, NULL, look, NULL), "pthread_create");
    must(pthread_join(thread, NULL), "pthread_join");
    printf("%d mappings seen\n", MAPPINGS);
    return 0;
}
