/* A reader that takes its time, for writers that must not come back before all is written. */
#ifndef CONFORM_CUT_SHORT_H
#define CONFORM_CUT_SHORT_H
#include "../crew.h"
#include "../pages.h"
#include "scratch.h"
#include <sys/ioctl.h>
#include <sys/uio.h>

/* Reads `length` bytes, which must be those of the pattern from byte `at` on. */
static inline void read_slowly(int file, size_t at, size_t length, unsigned seed) {
    static _Thread_local byte piece[50000];
    for (size_t done = 0, count = 0; done < length; count++) {
        size_t most = length - done < sizeof piece ? length - done : sizeof piece;
        ssize_t n = read(file, piece, most);
        check(n > 0);
        for (ssize_t i = 0; i < n; i++)
            if (piece[i] != pattern(seed, at + done + (size_t)i))
                die("byte %zu is %d", at + done + (size_t)i, piece[i]);
        done += (size_t)n;
        if (count % 8 == 0)
            compute_ms(1);
    }
}

/* Waits until so many bytes can be read. */
static inline void await_bytes(int file, int bytes) {
    for (int queued = -1; queued < bytes; sleep_ms(1))
        check(ioctl(file, FIONREAD, &queued) == 0);
}

/* A vector of uneven pieces over `length` bytes, some of them empty; returns how many. */
static inline int uneven(struct iovec *vector, int most, byte *from, size_t length) {
    int count = 0;
    for (size_t done = 0; done < length; count++) {
        size_t piece = count == most - 1 ? length - done : (size_t)(count * 7919 % 30011);
        piece = piece < length - done ? piece : length - done;
        vector[count] = (struct iovec){from + done, count % 9 == 8 ? 0 : piece};
        done += vector[count].iov_len;
    }
    check(count <= most);
    return count;
}

#endif
