/* What every example shares: options, a checksum, a generator of numbers, checked pthread calls.
 *
 * Each example prints its result and, last, `checksum: HEX`; both depend on the options only, never on
 * --threads or on timing. It exits with 0, 1 when its own check fails, or 2 when its options are wrong. */
#ifndef EXAMPLES_COMMON_H
#define EXAMPLES_COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_THREADS 256
#define PAGE ((size_t)4096)

/* ---- errors ---- */

/* Print `PROGRAM: MESSAGE` and exit with 1. */
__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

/* Die when a pthread function returned an error. */
static inline void must(int error, const char *what) {
    if (error)
        die("%s: %s", what, strerror(error));
}

/* ---- options ---- */

/* One option; exactly one of the targets is set. The value that a target holds at first is the default. */
struct option_spec {
    const char *name;
    size_t *number; /* --name N, from min to max */
    size_t min, max;
    const char **text; /* --name TEXT */
    bool *flag;        /* --name */
    const char *help;
};

#define NUMBER_OPTION(name, target, min, max, help) {name, target, min, max, NULL, NULL, help}
#define THREADS_OPTION(target) NUMBER_OPTION("--threads", target, 1, MAX_THREADS, "child threads")
#define TEXT_OPTION(name, target, help) {name, NULL, 0, 0, target, NULL, help}
#define FLAG_OPTION(name, target, help) {name, NULL, 0, 0, NULL, target, help}
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static inline void print_help(const char *about, const struct option_spec *specs, size_t count,
                              const char *operands) {
    printf("Usage: %s [OPTIONS]%s%s\n\n%s\n\nOptions:\n", program_invocation_short_name, operands ? " " : "",
           operands ? operands : "", about);
    for (size_t i = 0; i < count; i++) {
        const struct option_spec *s = &specs[i];
        printf("  %-10s%-6s %s", s->name, s->number ? " N" : s->text ? " TEXT" : "", s->help);
        if (s->number)
            printf(" (default %zu)", *s->number);
        else if (s->text && *s->text)
            printf(" (default \"%s\")", *s->text);
        putchar('\n');
    }
    printf("  %-16s show this help\n", "--help");
    exit(0);
}

__attribute__((noreturn, format(printf, 1, 2))) static inline void usage_error(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, args);
    fprintf(stderr, "; see %s --help\n", program_invocation_short_name);
    va_end(args);
    exit(2);
}

static inline void set_option(const struct option_spec *s, const char *value) {
    if (s->text) {
        *s->text = value;
        return;
    }
    char *end;
    errno = 0;
    unsigned long long n = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end || errno || n < s->min || n > s->max)
        usage_error("%s takes a whole number from %zu to %zu, not '%s'", s->name, s->min, s->max, value);
    *s->number = (size_t)n;
}

/* Read the options, `--name VALUE` or `--name=VALUE`; answer the index of the first operand. Operands stand
 * last, and only a program that names them (`operands` not NULL) takes any. */
static inline int parse_options(int argc, char **argv, const char *about, const struct option_spec *specs,
                                size_t count, const char *operands) {
    int next = 1;
    while (next < argc && argv[next][0] == '-') {
        char *arg = argv[next++];
        if (!strcmp(arg, "--"))
            break;
        if (!strcmp(arg, "--help"))
            print_help(about, specs, count, operands);
        size_t length = strcspn(arg, "="), i = 0;
        while (i < count && (strlen(specs[i].name) != length || memcmp(specs[i].name, arg, length)))
            i++;
        if (i == count)
            usage_error("there is no option '%.*s'", (int)length, arg);
        const char *value = arg[length] ? arg + length + 1 : NULL;
        if (specs[i].flag) {
            if (value)
                usage_error("%s takes no value", specs[i].name);
            *specs[i].flag = true;
            continue;
        }
        if (!value && next == argc)
            usage_error("%s needs a value", specs[i].name);
        set_option(&specs[i], value ? value : argv[next++]);
    }
    if (next < argc && !operands)
        usage_error("unexpected argument '%s'", argv[next]);
    return next;
}

/* ---- numbers ---- */

/* Scramble one word (the finaliser of SplitMix64). */
static inline uint64_t mix64(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* The next number of the generator SplitMix64, whose whole state is one word. */
static inline uint64_t next_random(uint64_t *state) {
    return mix64(*state += 0x9e3779b97f4a7c15u);
}

/* A multiple of 1/1024 in [-1, 1): sums and products of a few of these are exact in a double. */
static inline double next_fraction(uint64_t *state) {
    return (double)((int64_t)(next_random(state) >> 53) - 1024) / 1024;
}

#define LCG_MULTIPLIER 6364136223846793005u
#define LCG_INCREMENT 1442695040888963407u

/* Plain work: step a linear congruential generator `steps` times, about 4 cycles each. */
static inline uint64_t lcg_walk(uint64_t x, size_t steps) {
    while (steps--)
        x = x * LCG_MULTIPLIER + LCG_INCREMENT;
    return x;
}

/* The same result in log2(steps) operations, by squaring the step: the check on lcg_walk. */
static inline uint64_t lcg_jump(uint64_t x, size_t steps) {
    uint64_t multiplier = LCG_MULTIPLIER, increment = LCG_INCREMENT;
    for (; steps; steps >>= 1) {
        if (steps & 1)
            x = x * multiplier + increment;
        increment *= multiplier + 1;
        multiplier *= multiplier;
    }
    return x;
}

/* ---- checksum ---- */

static inline uint64_t checksum_word(uint64_t sum, uint64_t word) {
    sum ^= word * 0x9fb21c651e98df25u;
    return ((sum << 31) | (sum >> 33)) * 0x9e3779b97f4a7c15u;
}

static inline uint64_t checksum_bytes(uint64_t sum, const void *data, size_t length) {
    const unsigned char *bytes = data;
    for (size_t at = 0; at < length; at += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes + at, length - at < 8 ? length - at : 8);
        sum = checksum_word(sum, word);
    }
    return checksum_word(sum, length);
}

/* The last line of every example. */
static inline void print_checksum(uint64_t sum) {
    printf("checksum: %016" PRIx64 "\n", mix64(sum));
    if (fflush(stdout) || ferror(stdout))
        die("cannot write the result: %s", strerror(errno));
}

/* ---- memory and threads ---- */

/* Zeroed memory that starts on a page and fills whole pages. */
static inline void *new_pages(size_t bytes) {
    size_t whole = (bytes + PAGE - 1) / PAGE * PAGE;
    void *memory = aligned_alloc(PAGE, whole);
    if (!memory)
        die("no memory for %zu bytes", whole);
    return memset(memory, 0, whole);
}

/* The first of the items [0, items) that part `part` of `parts` takes; it ends where the next part begins. */
static inline size_t part_begin(size_t items, size_t parts, size_t part) {
    return items / parts * part + (part < items % parts ? part : items % parts);
}

static inline void lock(pthread_mutex_t *mutex) { must(pthread_mutex_lock(mutex), "pthread_mutex_lock"); }
static inline void unlock(pthread_mutex_t *mutex) { must(pthread_mutex_unlock(mutex), "pthread_mutex_unlock"); }
static inline void notify_one(pthread_cond_t *cond) { must(pthread_cond_signal(cond), "pthread_cond_signal"); }
static inline void notify_all(pthread_cond_t *cond) { must(pthread_cond_broadcast(cond), "pthread_cond_broadcast"); }
static inline void wait_for(pthread_cond_t *cond, pthread_mutex_t *mutex) {
    must(pthread_cond_wait(cond, mutex), "pthread_cond_wait");
}
static inline void wait_at(pthread_barrier_t *barrier) {
    int error = pthread_barrier_wait(barrier);
    must(error == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : error, "pthread_barrier_wait");
}

/* Run body(I) in `count` child threads, I from 0, and wait for all of them. */
static inline void run_threads(size_t count, void *(*body)(void *)) {
    pthread_t threads[MAX_THREADS];
    for (size_t i = 0; i < count; i++)
        must(pthread_create(&threads[i], NULL, body, (void *)i), "pthread_create");
    for (size_t i = 0; i < count; i++)
        must(pthread_join(threads[i], NULL), "pthread_join");
}

#endif
