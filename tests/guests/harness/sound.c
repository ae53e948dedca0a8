/* Nothing is wrong with it.
 * calls: getppid */
#include "../../conformance/conform.h"

BODY {
    check(getppid() > 0);
    say("sound");
}
