/* Loops whose counters and bounds are at the edges of what strips must get right. */
#include <stdint.h>
#include <stdio.h>

static volatile uint64_t zero;
static uint64_t hash = 1;
static void mix(uint64_t value) { hash = (hash ^ value) * 0x100000001b3u; }

__attribute__((noinline)) static uint64_t below(uint32_t from, uint32_t to, const uint8_t *data) {
    uint64_t sum = 0;
    for (uint32_t i = from; i < to; i++)
        sum += data[i & 255] + i;
    return sum;
}
__attribute__((noinline)) static uint64_t once(uint32_t from, uint32_t to, const uint8_t *data) {
    uint64_t sum = 0;
    uint32_t i = from;
    do
        sum += data[i & 255] + i;
    while (++i < to);
    return sum + i;
}
__attribute__((noinline)) static uint64_t at_most(int32_t from, int32_t to, const uint8_t *data) {
    uint64_t sum = 0;
    int32_t i = from;
    for (; i <= to; i++)
        sum += data[i & 255] * 3u;
    return sum + (uint32_t)i;
}
__attribute__((noinline)) static uint64_t round_about(uint8_t from, uint8_t to, const uint8_t *data) {
    uint64_t sum = 0;
    uint8_t i = from;
    do
        sum = sum * 3 + data[i];
    while (++i != to);
    return sum;
}
__attribute__((noinline)) static uint64_t wraps(uint16_t from, uint16_t to, const uint8_t *data) {
    uint64_t sum = 0;
    uint16_t i = from;
    do
        sum += data[i & 255] ^ i;
    while (++i != to);
    return sum;
}
__attribute__((noinline)) static uint64_t down(int32_t from, const uint8_t *data) {
    uint64_t sum = 0;
    for (int32_t i = from; i > 0; i--)
        sum += data[i & 255] + (uint32_t)i;
    return sum;
}
__attribute__((noinline)) static uint64_t pointers(const uint8_t *begin, const uint8_t *end) {
    uint64_t sum = 0;
    for (; begin != end; begin++)
        sum += *begin;
    return sum;
}
__attribute__((noinline)) static void fill(uint32_t *to, uint32_t count, uint32_t value) {
    for (uint32_t i = 0; i < count; i++)
        to[i] = value;
}
__attribute__((noinline)) static uint64_t early(const uint8_t *data, uint32_t count, uint8_t wanted) {
    for (uint32_t i = 0; i < count; i++)
        if (data[i] == wanted)
            return i;
    return count;
}

/* Arrays by the counter: from a negative one, neighbours, elements of several words, an index that wraps. */
__attribute__((noinline)) static uint64_t before_it(int64_t from, int64_t to, const uint32_t *data) {
    uint64_t sum = 0;
    for (int64_t i = from; i < to; i++)
        sum += data[i + 5000] ^ (uint64_t)i;
    return sum;
}
__attribute__((noinline)) static void neighbours(size_t from, size_t to, const uint32_t *data, uint32_t *out) {
    for (size_t i = from; i <= to; i++)
        out[i] = data[i - 1] + 3 * data[i + 1] - data[i];
}
__attribute__((noinline)) static void in_place(size_t from, size_t to, uint32_t *data) {
    for (size_t i = from; i < to; i++)
        data[i + 2] = data[i] + data[i + 1];
}
/* What is compared is one more than the counter, but not what the next round has. */
__attribute__((noinline)) static uint64_t walks(size_t from, size_t to, const uint32_t *next) {
    uint64_t sum = 0;
    size_t i = from, after;
    do {
        after = i + 1;
        sum = sum * 3 + after;
        i = next[i];
    } while (after < to);
    return sum + i;
}
__attribute__((noinline)) static uint64_t leaps(size_t from, size_t to, const uint32_t *data) {
    uint64_t sum = 0;
    size_t i = from, after;
    do {
        after = i + 1;
        sum += data[i];
        i = data[i] & 64 ? i + 2 : after;
    } while (after < to);
    return sum + i;
}
__attribute__((noinline)) static uint64_t walks_to_500(const uint32_t *next) {
    uint64_t sum = 0;
    size_t i = 0, after;
    do {
        after = i + 1;
        sum = sum * 3 + after;
        i = next[i];
    } while (after != 500);
    return sum;
}
struct record {
    uint32_t first, second, third;
};
__attribute__((noinline)) static uint64_t records(size_t from, size_t to, struct record *list) {
    uint64_t sum = 0;
    size_t i = from;
    do {
        list[i].second += list[i].first;
        sum += list[i].third;
    } while (++i < to);
    return sum + i;
}
__attribute__((noinline)) static uint64_t wrapping(uint32_t from, uint32_t to, uint32_t less, const uint32_t *data) {
    uint64_t sum = 0;
    for (uint32_t i = from; i != to; i++)
        sum = sum * 5 + data[(uint32_t)(i - less) & 16383];
    return sum;
}
__attribute__((noinline)) static uint64_t now_and_then(size_t from, size_t to, const uint32_t *data) {
    uint64_t sum = 0;
    for (size_t i = from; i < to; i++)
        if (i % 7 == 3)
            sum += data[i - 3];
    return sum;
}

static uint32_t big[20004], other[20004], next[20008];
static struct record list[20001];

static void arrays(int64_t from, int64_t to) {
    for (uint32_t i = 0; i < 20001; i++) {
        big[i] = i * 2654435761u;
        list[i] = (struct record){big[i], i, big[i] >> 3};
    }
    mix(before_it(from - 5000, to - 5000, big));
    neighbours((size_t)from + 1, (size_t)to, big, other);
    in_place((size_t)from, (size_t)to, big);
    mix(records((size_t)from, (size_t)to, list));
    mix(leaps((size_t)from, (size_t)to, big));
    for (uint32_t i = 0; i < 20008; i++)
        next[i] = i + 5;
    mix(walks((size_t)from, (size_t)to, next));
    next[495] = 499;
    mix(walks_to_500(next));
    mix(wrapping((uint32_t)from, (uint32_t)to + (to < from ? 20000 : 0), 9000, big));
    mix(now_and_then((size_t)from, (size_t)to, big));
    for (uint32_t i = 0; i < 20001; i += 123)
        mix(big[i] + (uint64_t)other[i] * 3 + (uint64_t)list[i].second * 7);
}

int main(void) {
    uint8_t data[256];
    for (int i = 0; i < 256; i++)
        data[i] = (uint8_t)(i * 37 + 11 + (int)zero);
    static const uint32_t bounds[] = {0, 1, 2, 4095, 4096, 4097, 8192, 8193, 12289, 20000};
    for (unsigned a = 0; a < sizeof bounds / sizeof *bounds; a++) {
        for (unsigned b = 0; b < sizeof bounds / sizeof *bounds; b++) {
            mix(below(bounds[a], bounds[b], data));
            mix(once(bounds[a], bounds[b], data));
            mix(at_most((int32_t)bounds[a] - 5000, (int32_t)bounds[b] - 5000, data));
            mix(round_about((uint8_t)bounds[a], (uint8_t)bounds[b], data));
            mix(wraps((uint16_t)bounds[a], (uint16_t)(bounds[b] + 1), data));
            arrays(bounds[a], bounds[b]);
        }
        mix(down((int32_t)bounds[a], data));
        mix(pointers(data, data + (bounds[a] & 255)));
        fill(big, bounds[a], bounds[a]);
        mix(big[0] + big[19999] + (uint64_t)big[4095] + big[4096]);
        mix(early(data, 256, (uint8_t)bounds[a]));
    }
    mix(once(UINT32_MAX - 3, 2, data));
    mix(below(UINT32_MAX - 9000, UINT32_MAX, data));
    printf("%016llx\n", (unsigned long long)hash);
    return 0;
}
