/* Price European options with the Black-Scholes formula, each under several scenarios of the spot price.
 *
 * Calls and puts are priced independently of each other, and put-call parity is the check. The checksum takes
 * prices in millionths: the last bits of exp, log and erfc may differ from one C library to another. */
#include "common.h"

#include <math.h>

struct option {
    double spot, strike, rate, volatility, years;
    double call, put, mean_spot; /* results: means over the scenarios */
};

static size_t count = 8192, rounds = 100, threads = 4;
static struct option *book;

static double normal_cdf(double x) { return 0.5 * erfc(-x * 0.70710678118654752440); }

static void price(const struct option *o, double spot, double *call, double *put) {
    double spread = o->volatility * sqrt(o->years);
    double d1 = (log(spot / o->strike) + (o->rate + 0.5 * o->volatility * o->volatility) * o->years) / spread;
    double d2 = d1 - spread;
    double present_strike = o->strike * exp(-o->rate * o->years);
    *call = spot * normal_cdf(d1) - present_strike * normal_cdf(d2);
    *put = present_strike * normal_cdf(-d2) - spot * normal_cdf(-d1);
}

/* Scenario r moves the spot price by r tenths of a percent. */
static void *price_slice(void *arg) {
    size_t first = part_begin(count, threads, (size_t)arg), end = part_begin(count, threads, (size_t)arg + 1);
    for (size_t r = 0; r < rounds; r++)
        for (size_t i = first; i < end; i++) {
            double spot = book[i].spot * (1 + 0.001 * (double)r), call, put;
            price(&book[i], spot, &call, &put);
            book[i].call += call / (double)rounds;
            book[i].put += put / (double)rounds;
            book[i].mean_spot += spot / (double)rounds;
        }
    return NULL;
}

static double uniform(uint64_t *seed, double low, double high) {
    return low + (high - low) * (next_fraction(seed) + 1) / 2;
}

static void verify(const struct option *o, size_t i) {
    double expected_spot = o->spot * (1 + 0.001 * (double)(rounds - 1) / 2);
    double parity = expected_spot - o->strike * exp(-o->rate * o->years);
    if (!(fabs(o->mean_spot - expected_spot) < 1e-8))
        die("option %zu: mean spot %.9f, expected %.9f", i, o->mean_spot, expected_spot);
    if (!(fabs(o->call - o->put - parity) < 1e-8))
        die("option %zu: call %.9f and put %.9f break put-call parity", i, o->call, o->put);
    if (!(o->call > -1e-9 && o->call < expected_spot && o->put > -1e-9 && o->put < o->strike))
        die("option %zu: call %.9f or put %.9f is out of bounds", i, o->call, o->put);
}

int main(int argc, char **argv) {
    const struct option_spec options[] = {
        THREADS_OPTION(&threads),
        NUMBER_OPTION("--size", &count, 1, 10000000, "options to price"),
        NUMBER_OPTION("--rounds", &rounds, 1, 1000, "scenarios of each option"),
    };
    parse_options(argc, argv, "Price European options with the Black-Scholes formula.", options,
                  COUNT_OF(options), NULL);

    book = new_pages(count * sizeof *book);
    uint64_t seed = 1;
    for (size_t i = 0; i < count; i++) {
        book[i].spot = uniform(&seed, 20, 200);
        book[i].strike = book[i].spot * uniform(&seed, 0.7, 1.3);
        book[i].rate = uniform(&seed, 0.001, 0.08);
        book[i].volatility = uniform(&seed, 0.1, 0.6);
        book[i].years = uniform(&seed, 0.1, 3);
    }
    run_threads(threads, price_slice);

    uint64_t sum = 0;
    double calls = 0, puts = 0;
    for (size_t i = 0; i < count; i++) {
        verify(&book[i], i);
        calls += book[i].call;
        puts += book[i].put;
        sum = checksum_word(sum, (uint64_t)llround(book[i].call * 1e6));
        sum = checksum_word(sum, (uint64_t)llround(book[i].put * 1e6));
    }
    printf("%zu options, mean call %.4f, mean put %.4f\n", count, calls / (double)count, puts / (double)count);
    print_checksum(sum);
    free(book);
    return 0;
}
