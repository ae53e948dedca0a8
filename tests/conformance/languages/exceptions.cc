// Exceptions in threads: thrown through frames of functions and containers, caught by type, nested and rethrown, carried
// to other threads by exception_ptr; destructors run on the way; one that nobody catches ends the program by SIGABRT.
// calls: futex
#include "conform.hh"

#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>

static thread_local int alive;

struct Guard {
    std::unique_ptr<int> value;
    explicit Guard(int n) : value(std::make_unique<int>(n)) { alive++; }
    ~Guard() { alive--; }
};

struct Custom : std::runtime_error {
    int depth;
    Custom(int depth) : std::runtime_error("custom " + std::to_string(depth)), depth(depth) {}
};

__attribute__((noinline)) static int descend(int depth, int bottom) {
    Guard guard(depth);
    if (depth == bottom) {
        switch (bottom % 4) {
        case 0:
            throw Custom(depth);
        case 1:
            std::vector<int>().at(static_cast<size_t>(bottom));
            break;
        case 2:
            throw bottom;
        default:
            return static_cast<int>(std::stoi("not a number"));
        }
    }
    try {
        return descend(depth + 1, bottom) + *guard.value;
    } catch (const Custom &custom) {
        if (depth == bottom / 2)
            std::throw_with_nested(std::logic_error("half way"));
        throw;
    }
}

static std::string caught(int bottom) {
    try {
        descend(0, bottom);
    } catch (const std::out_of_range &) {
        return "out of range";
    } catch (const std::invalid_argument &) {
        return "invalid argument";
    } catch (const std::logic_error &error) {
        try {
            std::rethrow_if_nested(error);
        } catch (const Custom &custom) {
            return std::string(error.what()) + ", " + custom.what();
        }
    } catch (int number) {
        return "number " + std::to_string(number);
    }
    return "nothing";
}

static void uncaught_in_a_thread() {
    pid_t child = fork();
    check(child >= 0);
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        fclose(stderr);
        close(STDERR_FILENO);
        std::thread([] { throw Custom(1); }).join();
        _exit(0);
    }
    int status;
    check(waitpid(child, &status, 0) == child);
    say("uncaught: signal %d", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void body() {
    constexpr int THREADS = 4, ROUNDS = 40;
    std::vector<std::string> results(THREADS);
    std::vector<std::exception_ptr> carried(THREADS);
    std::vector<std::thread> threads;
    for (int me = 0; me < THREADS; me++)
        threads.emplace_back([&, me] {
            for (int round = 0; round < ROUNDS; round++) {
                std::string now = caught(20 + me);
                check(round == 0 || now == results[static_cast<size_t>(me)]);
                results[static_cast<size_t>(me)] = now;
                check(alive == 0 && std::uncaught_exceptions() == 0);
            }
            try {
                descend(0, 20 + me);
            } catch (...) {
                carried[static_cast<size_t>(me)] = std::current_exception();
            }
        });
    for (auto &thread : threads)
        thread.join();
    int rethrown = 0;
    for (auto &pointer : carried)
        try {
            std::rethrow_exception(pointer);
        } catch (...) {
            rethrown++;
        }
    for (auto &result : results)
        say("%s", result.c_str());
    say("%d carried to another thread", rethrown);
    try {
        std::vector<char> huge;
        huge.reserve(huge.max_size());
    } catch (const std::bad_alloc &) {
        say("no memory");
    }
    uncaught_in_a_thread();
}
