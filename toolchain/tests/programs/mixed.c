/* Something of everything that frames can hold: locals whose address is taken, structures by value, calls
 * through pointers, callbacks from libc, recursion, doubles, small integers, the heap, thread-local data; and what the
 * kernel tells of a file, in a structure of which each instruction set has its own. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct point {
    double x, y;
    int tag;
    char name[12];
};
typedef int (*operation)(int, int);

static int add(int a, int b) { return a + b; }
static int mulmod(int a, int b) {
    int r = 0;
    for (int i = 0; i < b % 7; i++) {
        r = (r + a) % 10007;
        if (i == 3)
            r += add(i, r);
    }
    return r;
}
static const operation operations[2] = {add, mulmod};
static const char *const names[] = {"alpha", "beta", "gamma", "delta"};
double sum;
int compared;
char **list;
int listed;
static struct point last;
static _Thread_local int mine = 7;
static _Thread_local long untouched;

static int compare(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    compared++;
    for (int i = 0; i < 2; i++)
        sum += sin(i + x);
    return x < y ? -1 : x > y;
}

__attribute__((noinline)) static int work(int *values, int n, double *acc, struct point *p) {
    int local[8] = {0}, s = 0;
    double d = *acc;
    for (int i = 0; i < n; i++) {
        local[i & 7] = values[i] * 3 + i;
        s += local[(i * 5) & 7] & 0xff;
        d += sqrt((double)(values[i] & 1023));
        p->x += d;
        for (int k = 0; k < 3; k++)
            s ^= k * i;
    }
    *acc = d;
    p->y -= s;
    return s;
}

__attribute__((noinline)) static struct point make(int i) {
    struct point p;
    memset(&p, 0, sizeof p);
    p.x = i * 0.5;
    p.y = i;
    p.tag = i;
    snprintf(p.name, sizeof p.name, "n%d", i);
    return p;
}

__attribute__((noinline)) static long dive(int depth, int *values, int n, struct point p, float f) {
    unsigned char small = (unsigned char)(depth * 37);
    short negative = (short)(-depth * 100);
    long acc = 0;
    double d = p.x;
    struct point q = p;
    char text[16];
    int *chosen = &values[(depth + n) % n];
    for (int i = 0; i < 2; i++) {
        q.tag += work(values, n, &d, &q);
        acc += operations[(i + depth) & 1](i + depth, (int)small) + negative + (long)f;
        *chosen += i;
        f *= 1.25f;
        small += 11;
        mine += small;
        sprintf(text, "%d", i + depth);
        acc += text[0];
        if ((acc & 7) == 1) {
            char *copy = strdup(names[(i + depth) & 3]);
            list = realloc(list, sizeof *list * (size_t)(listed + 1));
            list[listed++] = copy;
        }
    }
    if (depth > 0)
        acc = acc * 3 + dive(depth - 1, values, n, make(depth), f) - dive(depth / 2 - 1, values, n, q, f * 0.5f) + q.tag;
    last = q;
    sum += d;
    return acc ^ (long)q.y;
}

int main(int argc, char **argv) {
    int values[12], aligned_sum = 0;
    _Alignas(64) int aligned[4] = {argc, 2, 3, 4};
    for (int i = 0; i < 12; i++)
        values[i] = (i * 7919) % 1009;
    struct point p = make(3);
    long r = 0;
    for (int round = 0; round < 2; round++) {
        r = r * 31 + dive(2, values, 12, p, 1.5f);
        p.x += round;
        aligned[round] += (int)((unsigned long)aligned % 64);
    }
    int *sorted = malloc(20 * sizeof *sorted);
    for (int i = 0; i < 20; i++)
        sorted[i] = (int)((unsigned)i * 2654435761u >> 20);
    qsort(sorted, 20, sizeof *sorted, compare);
    int *found = bsearch(&sorted[7], sorted, 20, sizeof *sorted, compare);
    unsigned hash = 0;
    for (int i = 0; i < 20; i++)
        hash = hash * 31 + (unsigned)sorted[i];
    for (int i = 0; i < 12; i++)
        hash = hash * 17 + (unsigned)values[i];
    for (int i = 0; i < 4; i++)
        aligned_sum += aligned[i];
    printf("r=%ld hash=%u sum=%.17g compared=%d listed=%d last=%g,%g,%d,%s", r, hash, sum, compared, listed, last.x,
           last.y, last.tag, last.name);
    for (int i = 0; i < listed && i < 5; i++)
        printf(" %s", list[i]);
    printf(" found=%d mine=%d,%ld aligned=%d %s\n", (int)(found - sorted), mine, untouched, aligned_sum, argv[argc - 1] ? "arguments" : "");
    struct stat file;
    if (stat("/etc/passwd", &file) != 0)
        return 1;
    printf("file %o %ld %d %lld %ld %lld %lld.%09ld\n", file.st_mode, (long)file.st_nlink, (int)file.st_uid,
           (long long)file.st_size, (long)file.st_blksize, (long long)file.st_blocks, (long long)file.st_mtim.tv_sec,
           file.st_mtim.tv_nsec);
    return 0;
}
