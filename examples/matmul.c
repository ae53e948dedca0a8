/* Multiply two square matrices of doubles; each thread computes a band of rows.
 *
 * The elements are multiples of 1/1024 below 1, so every product and sum is exact in a double. The result is
 * the same to the bit on every machine, and Freivalds' check below needs no tolerance. */
#include "common.h"

#define BLOCK 64 /* rows of B that are used together: BLOCK rows of 512 doubles fit the second-level cache */

static size_t n = 512, threads = 4;
static double *a, *b, *c;

static void *multiply_band(void *arg) {
    size_t first = part_begin(n, threads, (size_t)arg), end = part_begin(n, threads, (size_t)arg + 1);
    for (size_t block = 0; block < n; block += BLOCK) {
        size_t block_end = block + BLOCK < n ? block + BLOCK : n;
        for (size_t i = first; i < end; i++) {
            double *restrict row = c + i * n;
            for (size_t k = block; k < block_end; k++) {
                double factor = a[i * n + k];
                const double *restrict other = b + k * n;
                for (size_t j = 0; j < n; j++)
                    row[j] += factor * other[j];
            }
        }
    }
    return NULL;
}

static double *random_matrix(uint64_t seed) {
    double *m = new_pages(n * n * sizeof *m);
    for (size_t i = 0; i < n * n; i++)
        m[i] = next_fraction(&seed);
    return m;
}

/* out = m * v */
static void apply(double *out, const double *m, const double *v) {
    for (size_t i = 0; i < n; i++) {
        out[i] = 0;
        for (size_t j = 0; j < n; j++)
            out[i] += m[i * n + j] * v[j];
    }
}

/* Freivalds: A(Bv) = Cv for a random v of 1 and -1. A wrong C passes one round with a chance of at most 1/2. */
static void verify(void) {
    double *v = new_pages(4 * n * sizeof *v), *bv = v + n, *abv = bv + n, *cv = abv + n;
    uint64_t seed = 3;
    for (int round = 0; round < 8; round++) {
        for (size_t i = 0; i < n; i++)
            v[i] = next_random(&seed) & 1 ? 1 : -1;
        apply(bv, b, v);
        apply(abv, a, bv);
        apply(cv, c, v);
        for (size_t i = 0; i < n; i++)
            if (abv[i] != cv[i])
                die("wrong product: row %zu differs", i);
    }
    free(v);
}

int main(int argc, char **argv) {
    const struct option_spec options[] = {
        THREADS_OPTION(&threads),
        NUMBER_OPTION("--size", &n, 1, 16384, "rows and columns of the matrices"),
    };
    parse_options(argc, argv, "Multiply two square matrices.", options, COUNT_OF(options), NULL);

    a = random_matrix(1);
    b = random_matrix(2);
    c = new_pages(n * n * sizeof *c);
    run_threads(threads, multiply_band);
    verify();

    double trace = 0;
    for (size_t i = 0; i < n; i++)
        trace += c[i * n + i];
    printf("%zu x %zu, trace %.6f\n", n, n, trace);
    print_checksum(checksum_bytes(0, c, n * n * sizeof *c));
    free(a);
    free(b);
    free(c);
    return 0;
}
