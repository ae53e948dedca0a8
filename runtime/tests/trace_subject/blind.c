/* Built without any word on its frames, and without frame pointers: like musl. */
typedef void step(int);
volatile int seen;

static __attribute__((noinline)) void within(step *f, int n, int *sum)
{
    f(n);
    seen += *sum;
}

void blind(step *f, int n)
{
    int sum[40];
    for (int i = 0; i < 40; i++)
        sum[i] = n + seen;
    within(f, n, sum);
    seen += sum[n & 31];
}

/* The call of this is another one's in the end. */
void blind_jump(step *f, int n)
{
    seen = n;
    f(n);
}
