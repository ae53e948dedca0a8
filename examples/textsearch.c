/* Search texts for a fixed string: files given as arguments, or generated text.
 *
 * Threads take chunks from a common counter. A chunk of a file is read by the thread that searches it, with as
 * much of the next chunk as a match that begins in this one can need. Matches may overlap. */
#include "common.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((size_t)64 << 10)
#define GENERATED_TEXTS 8
#define NOWHERE SIZE_MAX

struct text {
    const char *name;
    int fd;
    char *memory; /* a generated text; NULL for a file */
    size_t length;
};
struct chunk {
    const struct text *text;
    size_t begin;
    size_t matches, first; /* results */
};

static size_t kib = 16384, threads = 4;
static const char *pattern = "rare pearl";
static size_t pattern_length;
static struct chunk *chunks;
static size_t chunk_count, next_chunk;
static pthread_mutex_t next_lock = PTHREAD_MUTEX_INITIALIZER;

/* Boyer-Moore-Horspool: compare the last byte first; skip[b] says how far byte b lets the window move. */
static void search(struct chunk *c, const unsigned char *data, size_t length, const size_t *skip) {
    size_t last = pattern_length - 1;
    for (size_t at = 0; at + last < length; at += skip[data[at + last]])
        if (data[at + last] == (unsigned char)pattern[last] && !memcmp(data + at, pattern, last)) {
            if (!c->matches++)
                c->first = c->begin + at;
        }
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

static void *search_chunks(void *arg) {
    (void)arg;
    char *buffer = new_pages(CHUNK + pattern_length);
    size_t skip[256];
    for (size_t i = 0; i < 256; i++)
        skip[i] = pattern_length;
    for (size_t i = 0; i + 1 < pattern_length; i++)
        skip[(unsigned char)pattern[i]] = pattern_length - 1 - i;
    for (;;) {
        lock(&next_lock);
        size_t mine = next_chunk < chunk_count ? next_chunk++ : NOWHERE;
        unlock(&next_lock);
        if (mine == NOWHERE)
            break;
        struct chunk *c = &chunks[mine];
        size_t length = c->text->length - c->begin, most = CHUNK + pattern_length - 1;
        length = length < most ? length : most;
        const char *data = buffer;
        if (c->text->memory)
            data = c->text->memory + c->begin;
        else
            read_fully(c->text, buffer, length, c->begin);
        search(c, (const unsigned char *)data, length, skip);
    }
    free(buffer);
    return NULL;
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

/* Search the text again, by the C library's memmem and in one piece. */
static void verify(const struct text *t, size_t matches, size_t first) {
    if (!t->length)
        return;
    const char *data = t->memory ? t->memory : mmap(NULL, t->length, PROT_READ, MAP_PRIVATE, t->fd, 0);
    if (data == MAP_FAILED)
        die("cannot map %s: %s", t->name, strerror(errno));
    size_t count = 0, begin = NOWHERE;
    for (const char *at = data; (at = memmem(at, t->length - (size_t)(at - data), pattern, pattern_length)); at++)
        if (!count++)
            begin = (size_t)(at - data);
    if (count != matches || begin != first)
        die("%s: %zu matches found, %zu expected", t->name, matches, count);
    if (!t->memory)
        munmap((void *)data, t->length);
}

int main(int argc, char **argv) {
    const struct option_spec options[] = {
        THREADS_OPTION(&threads),
        NUMBER_OPTION("--size", &kib, 1, 4 << 20, "KiB of text to generate when no file is named"),
        TEXT_OPTION("--pattern", &pattern, "what to search for"),
    };
    int operand = parse_options(argc, argv, "Count a fixed string in files, or in generated text.", options,
                                COUNT_OF(options), "[FILE...]");
    pattern_length = strlen(pattern);
    if (!pattern_length)
        usage_error("--pattern must not be empty");

    size_t count = operand < argc ? (size_t)(argc - operand) : GENERATED_TEXTS;
    struct text *texts = new_pages(count * sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        operand < argc ? open_file(&texts[i], argv[operand + (int)i]) : generate(&texts[i], i);
        chunk_count += (texts[i].length + CHUNK - 1) / CHUNK;
    }
    chunks = new_pages((chunk_count + 1) * sizeof *chunks);
    for (size_t i = 0, c = 0; i < count; i++)
        for (size_t begin = 0; begin < texts[i].length; begin += CHUNK)
            chunks[c++] = (struct chunk){&texts[i], begin, 0, NOWHERE};
    run_threads(threads, search_chunks);

    uint64_t sum = 0;
    for (size_t i = 0, c = 0; i < count; i++) {
        size_t matches = 0, first = NOWHERE;
        for (; c < chunk_count && chunks[c].text == &texts[i]; c++) {
            matches += chunks[c].matches;
            first = first < chunks[c].first ? first : chunks[c].first;
        }
        verify(&texts[i], matches, first);
        printf(matches ? "%s: %zu, first at byte %zu\n" : "%s: %zu\n", texts[i].name, matches, first);
        sum = checksum_word(checksum_word(sum, matches), first);
        texts[i].memory ? free(texts[i].memory) : (void)close(texts[i].fd);
    }
    print_checksum(sum);
    free(chunks);
    free(texts);
    return 0;
}
