/* Threads of both kinds that compute, share a lock and a counter, and hand results to main. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long total;
static _Thread_local unsigned seed = 1;

__attribute__((noinline)) static long work(long n) {
    long sum = 0;
    int local[16] = {0};
    for (long i = 0; i < n; i++) {
        seed = seed * 1103515245u + 12345u;
        local[i & 15] += (int)(seed >> 20);
        sum += local[(i * 7) & 15] ^ i;
        if (i % 1000 == 999)
            sum ^= work(i / 50);
    }
    return sum;
}

static void *with_result(void *argument) {
    long result = 0;
    for (int round = 0; round < 40; round++) {
        result ^= work((long)argument * 100 + 2000);
        pthread_mutex_lock(&lock);
        total += result & 0xff;
        pthread_mutex_unlock(&lock);
    }
    return (void *)result;
}

static int c11(void *argument) { return (int)(work(*(int *)argument) & 0x7fff) - 20000; }

int main(void) {
    pthread_t threads[4];
    thrd_t other;
    int size = 30000, code = 0;
    for (long i = 0; i < 4; i++)
        if (pthread_create(&threads[i], 0, with_result, (void *)i))
            return 2;
    if (thrd_create(&other, c11, &size) != thrd_success)
        return 2;
    long own = work(100000);
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        printf("%d: %ld\n", i, (long)result);
    }
    thrd_join(other, &code);
    printf("%ld %ld %d\n", own, total, code);
    return 0;
}
