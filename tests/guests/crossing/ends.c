/* A thread that cannot leave where it is, and ends there. Begins when there is a byte to read, and lets the thread end at
 * the next. */
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <unistd.h>

static int nothing[2];
static volatile int ready;
static jmp_buf place;

/* Time and points to go elsewhere. */
__attribute__((noinline)) static unsigned travel(unsigned seed) {
    for (int i = 0; i < 20000000; i++)
        seed = seed * 1664525 + 1013904223;
    return seed;
}

/* Below setjmp no thread leaves. */
__attribute__((noinline)) static void hold(void) {
    char byte;
    if (setjmp(place))
        return;
    ready = 1;
    if (read(nothing[0], &byte, 1) == 1)
        pthread_exit((void *)&ready);
}

static void *work(void *argument) {
    volatile unsigned sum = travel(1);
    hold();
    (void)sum;
    return argument;
}

int main(void) {
    pthread_t thread;
    void *result = 0;
    char byte;
    puts("begun");
    fflush(stdout);
    if (read(0, &byte, 1) != 1 || pipe(nothing) || pthread_create(&thread, 0, work, 0))
        return 2;
    while (!ready)
        usleep(200);
    puts("ready");
    fflush(stdout);
    if (read(0, &byte, 1) != 1 || write(nothing[1], "x", 1) != 1)
        return 3;
    pthread_join(thread, &result);
    puts(result == (void *)&ready ? "joined" : "lost");
    return 0;
}
