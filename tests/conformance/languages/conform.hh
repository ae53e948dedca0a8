// What every C++ conformance program begins with: as ../conform.h for C. Its first comment has the same lines (`calls:`
// and so on). The body is `static void body()`, run in a child thread after a moment of computing.
#ifndef CONFORM_HH
#define CONFORM_HH

#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <unistd.h>

// Prints a line at once, by one write.
__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...) {
    char line[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    line[n++] = '\n';
    if (write(STDOUT_FILENO, line, static_cast<size_t>(n)) != n)
        abort();
}

// `condition` must hold.
#define check(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            _exit(99);                                                                                                 \
        }                                                                                                              \
    } while (0)

// Computes for as long as a policy may need to move the calling thread.
static inline void settle() {
    const char *ms = getenv("CONFORM_SETTLE_MS");
    auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms ? atoi(ms) : 30);
    do
        for (volatile int i = 0; i < 200000; i = i + 1)
            ;
    while (std::chrono::steady_clock::now() < end);
}

static void body();

int main() {
    std::thread([] {
        settle();
        body();
    }).join();
    say("done");
}

#endif
