/* Standard output, a file and the allocator, used by all threads.
 *
 * Each record is made of blocks of many sizes, allocated, resized and freed, and written to a temporary file. The
 * threads print one line a record, in the order of the records: each waits for its turn, and also reads the record
 * before its own back from the file, which another thread wrote. The file is removed at the end. */
#include "common.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD ((size_t)2048)
#define BLOCKS 48
#define LARGEST_SHIFT 18 /* blocks of up to 256 KiB */

static size_t records = 40, threads = 4;
static const char *directory = ".";
static char path[4096];
static int file = -1;
static pthread_mutex_t turn_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
static size_t turn;
static uint64_t sum; /* over the printed lines; belongs to whose turn it is */

static void remove_file(void) { unlink(path); }

/* The byte at `at` of block `block` of record `record`. */
static unsigned char byte_of(size_t record, size_t block, size_t at) {
    return (unsigned char)(mix64(record * BLOCKS + block) >> (at % 8 * 8));
}

static void fill(unsigned char *data, size_t from, size_t to, size_t record, size_t block) {
    for (size_t at = from; at < to; at++)
        data[at] = byte_of(record, block, at);
}

/* Allocate blocks of many sizes, resize them, and gather the record from the first bytes of each. */
static void make_record(unsigned char *out, size_t record) {
    unsigned char *blocks[BLOCKS];
    size_t sizes[BLOCKS];
    uint64_t seed = record;
    for (size_t b = 0; b < BLOCKS; b++) {
        sizes[b] = RECORD / BLOCKS + 1 + (next_random(&seed) & ((1u << (next_random(&seed) % LARGEST_SHIFT)) - 1));
        blocks[b] = b % 2 ? malloc(sizes[b]) : calloc(1, sizes[b]);
        if (!blocks[b])
            die("no memory for %zu bytes", sizes[b]);
        fill(blocks[b], 0, sizes[b], record, b);
    }
    for (size_t b = 0; b < BLOCKS; b += 3) {
        size_t larger = sizes[b] * 2;
        unsigned char *moved = realloc(blocks[b], larger);
        if (!moved)
            die("no memory for %zu bytes", larger);
        fill(moved, sizes[b], larger, record, b);
        blocks[b] = moved, sizes[b] = larger;
    }
    for (size_t at = 0; at < RECORD; at++)
        out[at] = blocks[at % BLOCKS][at / BLOCKS];
    for (size_t b = 0; b < BLOCKS; b++) {
        size_t last = sizes[b] - 1;
        if (blocks[b][last] != byte_of(record, b, last))
            die("block %zu of record %zu was overwritten", b, record);
        free(blocks[b]);
    }
}

static void expect_record(const unsigned char *data, size_t record) {
    for (size_t at = 0; at < RECORD; at++)
        if (data[at] != byte_of(record, at % BLOCKS, at / BLOCKS))
            die("record %zu is wrong at byte %zu", record, at);
}

static void *print_records(void *arg) {
    unsigned char data[RECORD];
    for (size_t record = (size_t)arg; record < records; record += threads) {
        make_record(data, record);
        if (pwrite(file, data, RECORD, (off_t)(record * RECORD)) != (ssize_t)RECORD)
            die("cannot write %s: %s", path, strerror(errno));
        uint64_t hash = checksum_bytes(record, data, RECORD);

        lock(&turn_lock);
        while (turn != record)
            wait_for(&turn_changed, &turn_lock);
        if (record > 0) {
            if (pread(file, data, RECORD, (off_t)((record - 1) * RECORD)) != (ssize_t)RECORD)
                die("cannot read %s: %s", path, strerror(errno));
            expect_record(data, record - 1);
        }
        printf("record %zu: %016" PRIx64 "\n", record, hash);
        sum = checksum_word(sum, hash);
        turn++;
        notify_all(&turn_changed);
        unlock(&turn_lock);
    }
    return NULL;
}

/* Read the whole file through stdio. */
static void verify(void) {
    unsigned char data[RECORD];
    FILE *stream = fopen(path, "r");
    if (!stream)
        die("cannot open %s: %s", path, strerror(errno));
    for (size_t record = 0; record < records; record++) {
        if (fread(data, RECORD, 1, stream) != 1)
            die("%s ends before record %zu", path, record);
        expect_record(data, record);
    }
    if (fgetc(stream) != EOF)
        die("%s is longer than %zu records", path, records);
    fclose(stream);
}

int main(int argc, char **argv) {
    const struct option_spec options[] = {
        THREADS_OPTION(&threads),
        NUMBER_OPTION("--size", &records, 1, 100000, "records"),
        TEXT_OPTION("--dir", &directory, "where the temporary file stands"),
    };
    parse_options(argc, argv, "Print, write, read, allocate and free.", options, COUNT_OF(options), NULL);

    if (snprintf(path, sizeof path, "%s/printer-XXXXXX", directory) >= (int)sizeof path)
        usage_error("--dir is too long");
    file = mkstemp(path);
    if (file < 0)
        die("cannot create a file in %s: %s", directory, strerror(errno));
    atexit(remove_file);
    run_threads(threads, print_records);
    verify();
    if (close(file) || unlink(path) || access(path, F_OK) == 0)
        die("cannot remove %s", path);
    printf("%zu records written and read back\n", records);
    print_checksum(sum);
    return 0;
}
