/* Heat in a plate: Jacobi sweeps over a square grid whose edge is kept at zero, a barrier after each sweep.
 *
 * Each thread has a band of rows and reads one row of each neighbour. The check: a sweep multiplies the part of the
 * field that has the shape sin(p x) sin(q y) by a known factor, so that part can be told without any sweep. */
#include "common.h"

#include <math.h>

static size_t n = 1024, sweeps = 20, threads = 4;
static double *grids[2]; /* (n + 2) x (n + 2), edge included; sweep s reads s % 2 and writes the other */
static pthread_barrier_t barrier;

static void *sweep_band(void *arg) {
    size_t first = 1 + part_begin(n, threads, (size_t)arg), end = 1 + part_begin(n, threads, (size_t)arg + 1);
    size_t width = n + 2;
    for (size_t s = 0; s < sweeps; s++) {
        for (size_t i = first; i < end; i++) {
            const double *above = grids[s % 2] + (i - 1) * width, *row = above + width, *below = row + width;
            double *restrict out = grids[(s + 1) % 2] + i * width;
            for (size_t j = 1; j <= n; j++)
                out[j] = 0.25 * (above[j] + below[j] + row[j - 1] + row[j + 1]);
        }
        wait_at(&barrier);
    }
    return NULL;
}

static double angle(size_t mode) { return 3.14159265358979323846 * (double)mode / (double)(n + 1); }

/* How much of the shape sin(p x) sin(q y) the field has. */
static double mode_of(const double *grid, size_t p, size_t q) {
    double *wave = new_pages((n + 1) * sizeof *wave), total = 0;
    for (size_t j = 1; j <= n; j++)
        wave[j] = sin(angle(q) * (double)j);
    for (size_t i = 1; i <= n; i++) {
        double row = 0;
        for (size_t j = 1; j <= n; j++)
            row += wave[j] * grid[i * (n + 2) + j];
        total += row * sin(angle(p) * (double)i);
    }
    free(wave);
    return total;
}

int main(int argc, char **argv) {
    const struct option_spec options[] = {
        THREADS_OPTION(&threads),
        NUMBER_OPTION("--size", &n, 1, 16384, "rows and columns of the grid"),
        NUMBER_OPTION("--sweeps", &sweeps, 1, 100000, "Jacobi sweeps"),
    };
    parse_options(argc, argv, "Let heat spread in a plate.", options, COUNT_OF(options), NULL);

    size_t cells = (n + 2) * (n + 2);
    for (int g = 0; g < 2; g++)
        grids[g] = new_pages(cells * sizeof *grids[g]);
    uint64_t seed = 1;
    for (size_t i = 1; i <= n; i++)
        for (size_t j = 1; j <= n; j++)
            grids[0][i * (n + 2) + j] = 100 * (next_fraction(&seed) + 1);
    static const size_t modes[][2] = {{1, 1}, {1, 2}, {3, 2}};
    double before[COUNT_OF(modes)];
    for (size_t m = 0; m < COUNT_OF(modes); m++)
        before[m] = mode_of(grids[0], modes[m][0], modes[m][1]);

    must(pthread_barrier_init(&barrier, NULL, (unsigned)threads), "pthread_barrier_init");
    run_threads(threads, sweep_band);
    must(pthread_barrier_destroy(&barrier), "pthread_barrier_destroy");

    const double *field = grids[sweeps % 2];
    for (size_t m = 0; m < COUNT_OF(modes); m++) {
        double factor = (cos(angle(modes[m][0])) + cos(angle(modes[m][1]))) / 2;
        double expected = before[m] * pow(factor, (double)sweeps), found = mode_of(field, modes[m][0], modes[m][1]);
        if (!(fabs(found - expected) < 1e-10 * (double)cells))
            die("wrong field: shape (%zu, %zu) has %.9g, expected %.9g", modes[m][0], modes[m][1], found, expected);
    }
    printf("%zu x %zu after %zu sweeps, middle %.6f\n", n, n, sweeps, field[(n + 1) / 2 * (n + 2) + (n + 1) / 2]);
    print_checksum(checksum_bytes(0, field, cells * sizeof *field));
    free(grids[0]);
    free(grids[1]);
    return 0;
}
