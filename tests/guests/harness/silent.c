/* Does not make the call it names.
 * calls: write mremap */
#include "../../conformance/conform.h"

BODY { say("silent"); }
