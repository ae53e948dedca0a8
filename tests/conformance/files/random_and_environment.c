/* getrandom fills buffers of all sizes with different bytes for each thread; the environment is one for all threads.
 * calls: getrandom */
#include "../crew.h"
#include "../pages.h"
#include <sys/random.h>
#include <sys/auxv.h>

enum { CREW = 3, LENGTH = 10000 };
static byte *random_bytes[CREW];

static void work(int me) {
    /* Into pages that another thread wrote. */
    memset(random_bytes[(me + 1) % CREW], 0, LENGTH);
    meet();
    for (size_t done = 0; done < LENGTH;) {
        ssize_t n = getrandom(random_bytes[me] + done, LENGTH - done, 0);
        check(n > 0);
        done += (size_t)n;
    }
    meet();
    unsigned counts[256] = {0};
    for (int i = 0; i < LENGTH; i++)
        counts[random_bytes[(me + 2) % CREW][i]]++;
    for (int i = 0; i < 256; i++)
        check(counts[i] > 0 && counts[i] < 120);
    check(memcmp(random_bytes[0], random_bytes[1], 64) != 0 && memcmp(random_bytes[1], random_bytes[2], 64) != 0);
    if (me == 0)
        check(setenv("CONFORM_ONE", "first", 1) == 0 && putenv("CONFORM_TWO=second") == 0);
    meet();
    check(strcmp(getenv("CONFORM_ONE"), "first") == 0 && strcmp(getenv("CONFORM_TWO"), "second") == 0);
    meet();
    if (me == 1)
        check(unsetenv("CONFORM_ONE") == 0 && setenv("CONFORM_TWO", "third", 1) == 0);
    meet();
    check(getenv("CONFORM_ONE") == NULL && strcmp(getenv("CONFORM_TWO"), "third") == 0);
    byte seed[16];
    check(getentropy(seed, sizeof seed) == 0 && getauxval(AT_PAGESZ) == PAGE && getauxval(AT_RANDOM) != 0);
}

BODY {
    for (int i = 0; i < CREW; i++)
        random_bytes[i] = map_pages(3);
    crew(CREW, work);
    check(getrandom(random_bytes[0], 1, 0xffff) == -1 && errno == EINVAL);
    check(getrandom((void *)16, 1, 0) == -1 && errno == EFAULT);
    say("%d bytes each", LENGTH);
}
