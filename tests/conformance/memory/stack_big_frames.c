/* Big frames and deep recursion in children: each frame keeps its content, also under other threads' hands.
 * calls: futex mmap */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, DEPTH = 40, FRAME = 100000 };
static byte *volatile deepest[CREW];
static int lane_of[CREW] = {0, 1, 2};

__attribute__((noinline)) static unsigned descend(int me, int depth) {
    volatile byte frame[FRAME];
    for (size_t i = 0; i < FRAME; i += 257)
        frame[i] = pattern((unsigned)(me * DEPTH + depth), i);
    unsigned below = 0;
    if (depth + 1 < DEPTH) {
        below = descend(me, depth + 1);
    } else {
        deepest[me] = (byte *)frame;
        meet();
        byte *other = deepest[(me + 1) % CREW];
        for (size_t i = 0; i < FRAME; i += 257)
            check(other[i] == pattern((unsigned)((me + 1) % CREW * DEPTH + depth), i));
        other[1] = (byte)(me + 1);
        meet();
        check(frame[1] == (byte)((me + CREW - 1) % CREW + 1));
    }
    for (size_t i = 0; i < FRAME; i += 257)
        check(frame[i] == pattern((unsigned)(me * DEPTH + depth), i));
    return below + 1;
}

static void *work(void *arg) {
    settle();
    check(descend(*(int *)arg, 0) == DEPTH);
    return arg;
}

BODY {
    pthread_t threads[CREW];
    pthread_attr_t attributes;
    must(pthread_attr_init(&attributes));
    must(pthread_attr_setstacksize(&attributes, (size_t)DEPTH * FRAME + (1 << 20)));
    must(pthread_barrier_init(&crew_barrier, NULL, CREW));
    for (int i = 0; i < CREW; i++)
        must(pthread_create(&threads[i], &attributes, work, &lane_of[i]));
    for (int i = 0; i < CREW; i++)
        check(join(threads[i]) == &lane_of[i]);
    say("%d frames of %d bytes", DEPTH, FRAME);
}
