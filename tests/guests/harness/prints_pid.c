/* Prints something else in every run.
 * calls: write */
#include "../../conformance/conform.h"

BODY { say("pid %d", (int)getpid()); }
