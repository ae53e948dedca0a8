/* Stack sizes, guards and stacks of one's own: what attributes ask for is what pthread_getattr_np tells and what the
 * thread can use.
 * calls: mmap munmap mprotect */
#include "../conform.h"

static size_t asked, guard_asked;

/* Writes to every page of the stack from `here` down to `low`. */
__attribute__((noinline)) static void use_stack(uintptr_t low, uintptr_t here) {
    for (uintptr_t at = here; at > low; at -= PAGE)
        *(volatile char *)at = 1;
}

static void *inspect(void *arg) {
    pthread_attr_t attr;
    must(pthread_getattr_np(pthread_self(), &attr));
    void *low;
    size_t size, guard;
    must(pthread_attr_getstack(&attr, &low, &size));
    must(pthread_attr_getguardsize(&attr, &guard));
    char here;
    uintptr_t address = (uintptr_t)&here;
    check(address > (uintptr_t)low && address < (uintptr_t)low + size);
    if (arg) /* the C library keeps a part of a stack that it is given */
        check(low == arg && size <= asked && size > asked - 16 * PAGE);
    else
        check(size >= asked && size < asked + 16 * PAGE);
    check(guard >= guard_asked && guard < guard_asked + PAGE);
    use_stack((uintptr_t)low + PAGE, address - PAGE);
    return NULL;
}

BODY {
    pthread_attr_t attr;
    must(pthread_attr_init(&attr));
    say("too small: %s", strerror(pthread_attr_setstacksize(&attr, 100)));
    size_t sizes[] = {16384, 65536, 1 << 20, 16 << 20}, guards[] = {0, 1, PAGE, 64 * PAGE};
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            asked = sizes[i];
            guard_asked = guards[j];
            must(pthread_attr_setstacksize(&attr, asked));
            must(pthread_attr_setguardsize(&attr, guard_asked));
            size_t size, guard;
            must(pthread_attr_getstacksize(&attr, &size));
            must(pthread_attr_getguardsize(&attr, &guard));
            check(size == asked && guard == guard_asked);
            pthread_t thread;
            must(pthread_create(&thread, &attr, inspect, NULL));
            join(thread);
        }
    say("sizes and guards");

    asked = 256 * 1024;
    guard_asked = 0;
    char *own = mmap(NULL, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(own != MAP_FAILED);
    must(pthread_attr_setstack(&attr, own, asked));
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        must(pthread_create(&thread, &attr, inspect, own));
        join(thread);
    }
    check(munmap(own, asked) == 0);
    say("own stack");
    must(pthread_attr_destroy(&attr));
}
