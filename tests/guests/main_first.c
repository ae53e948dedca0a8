/* The first thread ends first; the program ends with its last thread, with status 0. With an argument the last waits for the
 * end of its input before. */
#include "common.h"

#include <unistd.h>

static void *last(void *arg) {
    char byte;
    usleep(300000);
    while (arg != NULL && read(STDIN_FILENO, &byte, 1) > 0) {
    }
    print_checksum(lcg_walk(1, 50000000));
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t thread;
    must(pthread_create(&thread, NULL, last, argc > 1 ? argv[1] : NULL), "pthread_create");
    pthread_exit(NULL);
}
