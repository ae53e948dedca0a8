/* The main thread's stack grows while children read and write what lies on it.
 * calls: futex
 * recalls: stack-growth
 * home: it is about the main thread's stack */
#define BODY_AT_HOME
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, DEPTH = 60, FRAME = 16384 };
static byte *volatile frames[DEPTH];

static void work(int me) {
    meet();
    /* The main thread stands deep in its stack. */
    for (int depth = 0; depth < DEPTH; depth++)
        expect(frames[depth], FRAME, (unsigned)depth);
    meet();
    for (int depth = me; depth < DEPTH; depth += CREW)
        fill(frames[depth], FRAME, (unsigned)(depth + 100));
    meet();
}

__attribute__((noinline)) static void descend(int depth) {
    byte frame[FRAME];
    frames[depth] = frame;
    fill(frame, FRAME, (unsigned)depth);
    if (depth + 1 < DEPTH) {
        descend(depth + 1);
    } else {
        meet();
        meet();
        meet();
    }
    expect(frame, FRAME, (unsigned)(depth + 100));
}

BODY {
    crew_begin(CREW, 1, work);
    descend(0);
    crew_end();
    say("%d frames of %d bytes", DEPTH, FRAME);
}
