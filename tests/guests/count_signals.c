/* Counts the signals it gets: handlers for INT, TERM, HUP, USR1, USR2, WINCH and CONT, while two child threads
 * compute. Writes `ready`, then a line for each signal as it comes, and the totals at the end of its input. */
#include "common.h"

#include <signal.h>
#include <unistd.h>

static const struct {
    int number;
    const char *name;
} signals[] = {{SIGINT, "INT"},   {SIGTERM, "TERM"},   {SIGHUP, "HUP"},  {SIGUSR1, "USR1"},
               {SIGUSR2, "USR2"}, {SIGWINCH, "WINCH"}, {SIGCONT, "CONT"}};
static _Atomic unsigned counts[COUNT_OF(signals)];
static _Atomic bool done;
static _Atomic uint64_t steps;

static void count(int number) {
    int saved = errno;
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        if (signals[i].number == number) {
            char line[32];
            int length = snprintf(line, sizeof line, "got %s %u\n", signals[i].name, ++counts[i]);
            (void)!write(STDOUT_FILENO, line, (size_t)length);
        }
    errno = saved;
}

static void *compute(void *arg) {
    uint64_t x = (uintptr_t)arg;
    while (!done) {
        x = lcg_walk(x, 100000);
        steps += 100000;
    }
    return NULL;
}

int main(void) {
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
        sigaction(signals[i].number, &action, NULL);
    }
    pthread_t threads[2];
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        must(pthread_create(&threads[i], NULL, compute, (void *)i), "pthread_create");
    usleep(300000);
    (void)!write(STDOUT_FILENO, "ready\n", 6);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        if (byte == 'q')
            break;
    done = true;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        must(pthread_join(threads[i], NULL), "pthread_join");
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        printf("total %s %u\n", signals[i].name, counts[i]);
    printf("%s\n", steps ? "computed" : "idle");
    return 0;
}
