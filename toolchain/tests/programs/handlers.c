/* A signal handler with a large frame on the data stack, at any instruction of functions that have locals there.
 * `handlers [SIGNALS]` */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static volatile sig_atomic_t handled;
static volatile long wrong;

__attribute__((noinline)) static void fill(unsigned char *bytes, int count, unsigned char value) {
    for (int i = 0; i < count; i++)
        bytes[i] = value;
}

__attribute__((noinline)) static int count_of(const unsigned char *bytes, int count, unsigned char value) {
    int found = 0;
    for (int i = 0; i < count; i++)
        found += bytes[i] == value;
    return found;
}

static void handler(int number) {
    unsigned char local[2048];
    fill(local, sizeof local, (unsigned char)number);
    if (count_of(local, sizeof local, (unsigned char)number) != sizeof local)
        wrong++;
    handled++;
}

__attribute__((noinline)) static int inner(unsigned char value) {
    unsigned char local[64];
    fill(local, sizeof local, value);
    return count_of(local, sizeof local, value);
}

__attribute__((noinline)) static int short_lived(int value) {
    volatile int local[8];
    int sum = 0;
    for (int i = 0; i < 8; i++)
        local[i] = value + i;
    for (int i = 0; i < 8; i++)
        sum += local[i];
    return sum - 8 * value;
}

int main(int argc, char **argv) {
    const int enough = argc > 1 ? atoi(argv[1]) : 2000;
    struct itimerval often = {{0, 200}, {0, 200}};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    if (sigaction(SIGALRM, &action, 0) || setitimer(ITIMER_REAL, &often, 0))
        return 2;
    for (unsigned i = 0; handled < enough; i++) {
        unsigned char mine[32];
        fill(mine, sizeof mine, (unsigned char)i);
        if (inner((unsigned char)(i + 1)) != 64 || short_lived((int)i) != 28)
            wrong++;
        if (count_of(mine, sizeof mine, (unsigned char)i) != sizeof mine)
            wrong++;
    }
    memset(&often, 0, sizeof often);
    setitimer(ITIMER_REAL, &often, 0);
    printf("%d\n", (int)wrong);
    return 0;
}
