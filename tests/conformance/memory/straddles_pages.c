/* Unaligned accesses over a page border, while other threads write on both pages: no byte is lost on either side.
 * calls: futex */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 4, ROUNDS = 300 };
static byte *area;

static uint64_t load(const byte *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static void store(byte *at, uint64_t value) { memcpy(at, &value, sizeof value); }

static void work(int me) {
    /* Each has a word on every border, and bytes of its own just before and after. */
    for (int round = 1; round <= ROUNDS; round++)
        for (int border = 1; border <= CREW; border++) {
            byte *edge = area + (size_t)border * PAGE;
            if (border == me + 1) {
                check(load(edge - 3) == (uint64_t)(round - 1) * 0x0101010101010101u);
                store(edge - 3, (uint64_t)round * 0x0101010101010101u);
            }
            edge[16 + me]++;
            edge[-16 - me]++;
        }
    meet();
    for (int border = 1; border <= CREW; border++) {
        byte *edge = area + (size_t)border * PAGE;
        check(load(edge - 3) == (uint64_t)ROUNDS * 0x0101010101010101u);
        for (int i = 0; i < CREW; i++)
            check(edge[16 + i] == (byte)ROUNDS && edge[-16 - i] == (byte)ROUNDS);
    }
    meet();
    /* A copy over many borders at once. */
    if (me == 0)
        fill(area, 5 * PAGE, 1);
    meet();
    if (me == 1)
        memmove(area + 3, area, 5 * PAGE - 3);
    meet();
    expect(area + 3, 5 * PAGE - 3, 1);
}

BODY {
    area = map_island(CREW + 2);
    /* A round's count must fit the bytes of its word. */
    _Static_assert(ROUNDS > 256, "bytes shall wrap");
    crew(CREW, work);
    say("%d rounds", ROUNDS);
}
