/* SIGQUIT, sent to the thread that computes, ends the program.
 * calls: prlimit64 write
 * recalls: signal */
#include "fatal.h"

BODY {
    fatal_company();
    pthread_t thread = spawn(fatal_compute, NULL);
    settle();
    must(pthread_kill(thread, SIGQUIT));
    sleep_ms(20000);
    die("still alive");
}
