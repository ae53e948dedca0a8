/* The main thread changes mappings in every way all the time, while others use the pages between them without pause.
 * calls: none
 * home: the main thread makes the calls */
#define BODY_AT_HOME
#include "churn.h"

enum { CREW = 3, ROUNDS = 30 };

static void work(int me) { check(churn_use(me, CREW) > 0); }

BODY {
    churn_prepare();
    crew_begin(CREW, 0, work);
    churn(ROUNDS);
    crew_end();
    say("%d changes", ROUNDS);
}
