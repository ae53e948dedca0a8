/* A child thread writes to the page of the program's arguments, says so and waits for the end of its input. */
#include "common.h"

#include <unistd.h>

static void *write_there(void *arg) {
    volatile char *argument = arg;
    *argument = *argument;
    puts("written");
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t thread;
    must(pthread_create(&thread, NULL, write_there, argv[argc - 1]), "pthread_create");
    must(pthread_join(thread, NULL), "pthread_join");
    puts("done");
    return 0;
}
