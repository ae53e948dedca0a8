/* A thread on a board uses what came to be while it waited there, from a function that cannot leave:
 * `beyond code` that the program has made, `beyond memory` that is mapped shared. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef int (*function)(void);
static int go[2];
static volatile int ready;
static unsigned char *volatile made;
static jmp_buf place;

/* Time and points to go elsewhere. */
__attribute__((noinline)) static unsigned travel(unsigned seed) {
    for (int i = 0; i < 8000000; i++)
        seed = seed * 1664525 + 1013904223;
    return seed;
}

__attribute__((noinline)) static int use(int is_code) {
    char byte;
    if (setjmp(place))
        return 0;
    ready = 1;
    if (read(go[0], &byte, 1) != 1)
        return -1;
    if (!is_code)
        return made[0];
    function called;
    unsigned char *at = made;
    memcpy(&called, &at, sizeof called);
    return called();
}

static void *work(void *kind) {
    volatile unsigned sum = travel(1);
    (void)sum;
    return (void *)(long)use(!strcmp(kind, "code"));
}

int main(int argc, char **argv) {
    static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
    pthread_t thread;
    void *result;
    if (argc < 2 || pipe(go) || pthread_create(&thread, 0, work, argv[1]))
        return 2;
    while (!ready)
        usleep(200);
    usleep(300000);
    if (!strcmp(argv[1], "code")) {
        made = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memcpy(made, code, sizeof code);
    } else {
        made = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        made[0] = 42;
    }
    if (write(go[1], "g", 1) != 1)
        return 3;
    pthread_join(thread, &result);
    printf("%ld\n", (long)result);
    return 0;
}
