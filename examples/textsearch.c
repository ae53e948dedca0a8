/* Search texts for fixed strings: files given as arguments, or generated text.
 *
 * Threads take chunks from a common counter. A chunk of a file is read by the thread that searches it, with as
 * much of the next chunk as a match that begins in this one can need. Matches may overlap. When no chunk is left,
 * they search whole texts again in another way, for the check. */
#include "common.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((size_t)64 << 10)
#define GENERATED_TEXTS 8
#define CHECKED_AT_ONCE ((size_t)64) /* patterns; who takes less at a time waits for the counter more often */
#define NOWHERE SIZE_MAX

struct text {
    const char *name;
    int fd;
    char *memory; /* a generated text; NULL for a file */
    size_t length;
};
struct pattern {
    const char *bytes;
    size_t length;
    size_t skip[256]; /* how far each byte lets the window move */
};
struct chunk {
    const struct text *text;
    size_t begin;
};
struct found {
    size_t matches, first;
};

static size_t kib = 16384, threads = 4;
static const char *pattern_lines = "rare pearl";
static struct pattern *patterns;
static struct text *texts;
static struct chunk *chunks;
static size_t pattern_count, longest, text_count, chunk_count;
static struct found *found;   /* by chunk and pattern */
static struct found *checked; /* by text and pattern */
static size_t next_chunk, next_check;
static pthread_mutex_t next_lock = PTHREAD_MUTEX_INITIALIZER;

/* Boyer-Moore-Horspool: compare the last byte first. `begin` is where the data stand in their text. */
static struct found search(const struct pattern *p, const unsigned char *data, size_t length, size_t begin) {
    struct found f = {0, NOWHERE};
    const size_t *skip = p->skip;
    size_t last = p->length - 1;
    for (size_t at = 0; at + last < length; at += skip[data[at + last]])
        if (data[at + last] == (unsigned char)p->bytes[last] && !memcmp(data + at, p->bytes, last)) {
            if (!f.matches++)
                f.first = begin + at;
        }
    return f;
}

static void read_fully(const struct text *t, char *buffer, size_t length, size_t offset) {
    while (length) {
        ssize_t got = pread(t->fd, buffer, length, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            die("cannot read %s: %s", t->name, got ? strerror(errno) : "it became shorter");
        buffer += got, offset += (size_t)got, length -= (size_t)got;
    }
}

/* The next of `count` pieces of work that nobody has taken, or NOWHERE. */
static size_t take(size_t *next, size_t count) {
    lock(&next_lock);
    size_t mine = *next < count ? (*next)++ : NOWHERE;
    unlock(&next_lock);
    return mine;
}

static void search_chunks(void) {
    char *buffer = new_pages(CHUNK + longest);
    for (size_t mine; (mine = take(&next_chunk, chunk_count)) != NOWHERE;) {
        const struct chunk *c = &chunks[mine];
        const char *data = buffer;
        size_t left = c->text->length - c->begin;
        if (c->text->memory)
            data = c->text->memory + c->begin;
        else
            read_fully(c->text, buffer, left < CHUNK + longest - 1 ? left : CHUNK + longest - 1, c->begin);
        for (size_t p = 0; p < pattern_count; p++) {
            size_t most = CHUNK + patterns[p].length - 1;
            found[mine * pattern_count + p] =
                search(&patterns[p], (const unsigned char *)data, left < most ? left : most, c->begin);
        }
    }
    free(buffer);
}

/* Search a text by the C library's memmem and in one piece. */
static struct found search_whole(const struct pattern *p, const char *data, size_t length) {
    struct found f = {0, NOWHERE};
    for (const char *at = data; (at = memmem(at, length - (size_t)(at - data), p->bytes, p->length)); at++)
        if (!f.matches++)
            f.first = (size_t)(at - data);
    return f;
}

static void check_texts(void) {
    size_t parts = (pattern_count + CHECKED_AT_ONCE - 1) / CHECKED_AT_ONCE;
    for (size_t mine; (mine = take(&next_check, text_count * parts)) != NOWHERE;) {
        size_t number = mine / parts;
        const struct text *t = &texts[number];
        if (!t->length)
            continue; /* nothing to map */
        const char *data = t->memory ? t->memory : mmap(NULL, t->length, PROT_READ, MAP_PRIVATE, t->fd, 0);
        if (data == MAP_FAILED)
            die("cannot map %s: %s", t->name, strerror(errno));
        size_t p = part_begin(pattern_count, parts, mine % parts);
        size_t end = part_begin(pattern_count, parts, mine % parts + 1);
        struct found here[CHECKED_AT_ONCE]; /* others write beside what this thread will: at once, at the end */
        for (size_t i = p; i < end; i++)
            here[i - p] = search_whole(&patterns[i], data, t->length);
        memcpy(&checked[number * pattern_count + p], here, (end - p) * sizeof *here);
        if (!t->memory)
            munmap((void *)data, t->length);
    }
}

static void *search_and_check(void *arg) {
    search_chunks();
    check_texts();
    return arg;
}

/* Each line is a pattern. */
static void read_patterns(const char *lines) {
    pattern_count = 1;
    for (const char *at = lines; (at = strchr(at, '\n')); at++)
        pattern_count++;
    patterns = new_pages(pattern_count * sizeof *patterns);
    for (size_t n = 0; n < pattern_count; n++) {
        struct pattern *p = &patterns[n];
        p->bytes = lines;
        p->length = strcspn(lines, "\n");
        lines += p->length + 1;
        if (!p->length)
            usage_error(pattern_count > 1 ? "--pattern must not have empty lines" : "--pattern must not be empty");
        longest = longest < p->length ? p->length : longest;
        for (size_t i = 0; i < COUNT_OF(p->skip); i++)
            p->skip[i] = p->length;
        for (size_t i = 0; i + 1 < p->length; i++)
            p->skip[(unsigned char)p->bytes[i]] = p->length - 1 - i;
    }
}

static void open_file(struct text *t, const char *name) {
    struct stat status;
    t->name = name;
    t->fd = open(name, O_RDONLY | O_CLOEXEC);
    if (t->fd < 0 || fstat(t->fd, &status))
        die("cannot open %s: %s", name, strerror(errno));
    if (!S_ISREG(status.st_mode))
        die("cannot search %s: it is not a regular file", name);
    t->length = (size_t)status.st_size;
}

static void generate(struct text *t, size_t number) {
    static const char *const words[] = {"the ", "sea ", "gave ", "up ", "a ", "rare ", "pearl ", "and ",
                                        "took ", "back ", "one ", "pear ", "tree\n", "of ", "ours ", "again "};
    static char names[GENERATED_TEXTS][32];
    snprintf(names[number], sizeof names[number], "generated-%zu", number + 1);
    t->name = names[number];
    t->length = part_begin(kib << 10, GENERATED_TEXTS, number + 1) - part_begin(kib << 10, GENERATED_TEXTS, number);
    t->memory = new_pages(t->length);
    uint64_t seed = number, random = 0;
    for (size_t at = 0, left = 0; at < t->length; left--) {
        if (!left)
            random = next_random(&seed), left = 16;
        const char *word = words[random & 15];
        random >>= 4;
        while (*word && at < t->length)
            t->memory[at++] = *word++;
    }
}

/* All that was found in a text, by pattern. The chunks of a text are the next ones from *c. */
static void sum_up(size_t number, size_t *c, struct found *sums) {
    for (size_t p = 0; p < pattern_count; p++)
        sums[p] = (struct found){0, NOWHERE};
    for (; *c < chunk_count && chunks[*c].text == &texts[number]; ++*c)
        for (size_t p = 0; p < pattern_count; p++) {
            const struct found *here = &found[*c * pattern_count + p];
            sums[p].matches += here->matches;
            sums[p].first = sums[p].first < here->first ? sums[p].first : here->first;
        }
}

static void print_found(const struct text *t, const struct pattern *p, struct found sum) {
    printf("%s: ", t->name);
    if (pattern_count > 1)
        printf("\"%.*s\": ", (int)p->length, p->bytes);
    printf(sum.matches ? "%zu, first at byte %zu\n" : "%zu\n", sum.matches, sum.first);
}

int main(int argc, char **argv) {
    const struct option_spec options[] = {
        THREADS_OPTION(&threads),
        NUMBER_OPTION("--size", &kib, 1, 4 << 20, "KiB of text to generate when no file is named"),
        TEXT_OPTION("--pattern", &pattern_lines, "what to search for, each line a pattern"),
    };
    int operand = parse_options(argc, argv, "Count fixed strings in files, or in generated text.", options,
                                COUNT_OF(options), "[FILE...]");
    read_patterns(pattern_lines);

    text_count = operand < argc ? (size_t)(argc - operand) : GENERATED_TEXTS;
    texts = new_pages(text_count * sizeof *texts);
    for (size_t i = 0; i < text_count; i++) {
        operand < argc ? open_file(&texts[i], argv[operand + (int)i]) : generate(&texts[i], i);
        chunk_count += (texts[i].length + CHUNK - 1) / CHUNK;
    }
    chunks = new_pages((chunk_count + 1) * sizeof *chunks);
    for (size_t i = 0, c = 0; i < text_count; i++)
        for (size_t begin = 0; begin < texts[i].length; begin += CHUNK)
            chunks[c++] = (struct chunk){&texts[i], begin};
    found = new_pages((chunk_count + 1) * pattern_count * sizeof *found);
    checked = new_pages(text_count * pattern_count * sizeof *checked);
    for (size_t i = 0; i < text_count * pattern_count; i++)
        checked[i].first = NOWHERE; /* so it stays for empty texts */
    run_threads(threads, search_and_check);

    struct found *sums = new_pages(pattern_count * sizeof *sums);
    uint64_t sum = 0;
    for (size_t i = 0, c = 0; i < text_count; i++) {
        sum_up(i, &c, sums);
        for (size_t p = 0; p < pattern_count; p++) {
            struct found expected = checked[i * pattern_count + p];
            if (sums[p].matches != expected.matches || sums[p].first != expected.first)
                die("%s: \"%.*s\" found %zu times, first at %zu; expected %zu times, first at %zu", texts[i].name,
                    (int)patterns[p].length, patterns[p].bytes, sums[p].matches, sums[p].first, expected.matches,
                    expected.first);
            print_found(&texts[i], &patterns[p], sums[p]);
            sum = checksum_word(checksum_word(sum, sums[p].matches), sums[p].first);
        }
        texts[i].memory ? free(texts[i].memory) : (void)close(texts[i].fd);
    }
    print_checksum(sum);
    free(sums);
    free(checked);
    free(found);
    free(chunks);
    free(texts);
    free(patterns);
    return 0;
}
