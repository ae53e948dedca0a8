/* The first thread ends first; the program ends with its last thread, with status 0. */
#include "common.h"

#include <unistd.h>

static void *last(void *arg) {
    (void)arg;
    usleep(300000);
    print_checksum(lcg_walk(1, 50000000));
    return NULL;
}

int main(void) {
    pthread_t thread;
    must(pthread_create(&thread, NULL, last, NULL), "pthread_create");
    pthread_exit(NULL);
}
