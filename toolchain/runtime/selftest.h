/* Testing without a supervisor, in programs that are linked with -frtx-selftest; nothing otherwise. */
#ifndef RTX_SELFTEST_H
#define RTX_SELFTEST_H

#include "rtx.h"

#define ASIDE __attribute__((visibility("hidden"), weak))

/* Whether the thread, at an equivalence point, shall leave. */
ASIDE int __rtx_selftest_asks(void) { return 0; }
/* A thread has parked. May not return. */
ASIDE void __rtx_selftest_parked(struct rtx_header *h) { (void)h; }
/* libc begins; nothing is mapped yet. */
ASIDE void __rtx_selftest_early(void) {}
/* The program begins. Returns the continuation with which to go on instead, or 0. */
ASIDE struct rtx_header *__rtx_selftest_begin(int *argc, char ***argv, char ***envp) {
    (void)argc, (void)argv, (void)envp;
    return 0;
}
/* The program's main has returned. */
ASIDE void __rtx_selftest_end(void) {}

#endif
