/* O_APPEND from many threads loses no record and tears none; truncation and holes; positions shared by dup, not by
 * open.
 * calls: write ftruncate lseek openat pread64 */
#include "../crew.h"
#include "../pages.h"
#include "scratch.h"
#include <sys/stat.h>

enum { CREW = 4, RECORDS = 40, RECORD = 300 };
static int file;

static void work(int me) {
    byte record[RECORD];
    for (int i = 0; i < RECORDS; i++) {
        memset(record, me + 1, sizeof record);
        record[1] = (byte)i;
        check(write(file, record, sizeof record) == RECORD);
    }
}

BODY {
    char name[] = "conform.XXXXXX";
    int other = mkstemp(name);
    file = openat(AT_FDCWD, name, O_WRONLY | O_APPEND | O_CLOEXEC);
    check(other >= 0 && file >= 0 && unlink(name) == 0);
    crew(CREW, work);
    struct stat state;
    check(fstat(file, &state) == 0 && state.st_size == CREW * RECORDS * RECORD);
    int next[CREW] = {0};
    for (int i = 0; i < CREW * RECORDS; i++) {
        byte record[RECORD];
        check(read(other, record, RECORD) == RECORD);
        int who = record[0] - 1;
        check(who >= 0 && who < CREW && record[1] == next[who]++);
        for (int at = 2; at < RECORD; at++)
            check(record[at] == who + 1);
    }
    check(ftruncate(other, 10) == 0 && ftruncate(other, 100000) == 0);
    byte back[64];
    check(pread(other, back, sizeof back, 0) == sizeof back);
    check(back[9] == back[0]);
    expect_zero(back + 10, 54);
    check(lseek(other, 0, SEEK_CUR) == CREW * RECORDS * RECORD);
    int twin = dup(other);
    check(lseek(twin, 5, SEEK_SET) == 5 && lseek(other, 0, SEEK_CUR) == 5);
    check(pwrite(other, "x", 1, 200000) == 1 && lseek(other, 0, SEEK_END) == 200001);
    check(ftruncate(file, -1) == -1 && errno == EINVAL && lseek(other, -1, SEEK_SET) == -1 && errno == EINVAL);
    say("%d records", CREW * RECORDS);
}
