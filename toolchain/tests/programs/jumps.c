/* With an argument: a jump into a frame that setjmp marked before the thread moved, which is right
 * nowhere. Before that, one that is. */
#include <setjmp.h>
#include <stdio.h>

static sigjmp_buf old, new;
static volatile int sum;

__attribute__((noinline)) static void mark(void) {
    if (sigsetjmp(old, 1))
        puts("back in a frame that is gone");
}

__attribute__((noinline)) static int move(int rounds) {
    return rounds < 2 ? (sum += rounds) : move(rounds - 1) - 3 * move(rounds - 2);
}

__attribute__((noinline)) static void jump(void) {
    if (!sigsetjmp(new, 1))
        siglongjmp(new, 1);
    puts("right");
    fflush(stdout);
}

int main(int argc, char **argv) {
    (void)argv;
    mark();
    move(9);
    jump();
    if (argc > 1)
        siglongjmp(old, 1);
    return 0;
}
