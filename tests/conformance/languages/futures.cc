// std::async, futures and promises between threads, with values, references, exceptions and time limits; shared_ptr and
// weak_ptr whose counts threads change at the same time, and atomic operations on shared_ptr.
// calls: futex
#include "conform.hh"

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <vector>

static long parallel_sum(const int *begin, const int *end, int depth) {
    if (depth == 0 || end - begin < 1000)
        return std::accumulate(begin, end, 0l);
    const int *middle = begin + (end - begin) / 2;
    auto left = std::async(std::launch::async, parallel_sum, begin, middle, depth - 1);
    long right = parallel_sum(middle, end, depth - 1);
    return left.get() + right;
}

static void futures() {
    std::vector<int> numbers(100000);
    std::iota(numbers.begin(), numbers.end(), 1);
    say("parallel sum %ld", parallel_sum(numbers.data(), numbers.data() + numbers.size(), 2));
    auto failing = std::async(std::launch::async, []() -> int { throw std::runtime_error("of a task"); });
    try {
        failing.get();
    } catch (const std::runtime_error &error) {
        say("exception %s", error.what());
    }
    std::promise<int &> promise;
    auto shared = promise.get_future().share();
    check(shared.wait_for(std::chrono::milliseconds(1)) == std::future_status::timeout);
    static int target = 5;
    std::vector<std::thread> threads;
    std::atomic<int> same{0};
    for (int i = 0; i < 3; i++)
        threads.emplace_back([shared, &same] { same += &shared.get() == &target; });
    promise.set_value(target);
    for (auto &thread : threads)
        thread.join();
    say("a reference for %d threads", same.load());
    try {
        std::promise<int> broken;
        auto future = broken.get_future();
        { auto end = std::move(broken); }
        future.get();
    } catch (const std::future_error &error) {
        say("%s", error.code() == std::future_errc::broken_promise ? "broken promise" : "another error");
    }
    std::packaged_task<int(int)> task([](int n) { return n * n; });
    auto result = task.get_future();
    std::thread(std::move(task), 12).join();
    say("packaged %d", result.get());
}

struct Node {
    static std::atomic<int> alive;
    int value;
    std::shared_ptr<Node> next;
    Node(int value, std::shared_ptr<Node> next) : value(value), next(std::move(next)) { alive++; }
    ~Node() { alive--; }
};
std::atomic<int> Node::alive{0};

static void pointers() {
    auto current = std::make_shared<Node>(0, nullptr);
    std::weak_ptr<Node> first = current;
    std::vector<std::thread> threads;
    for (int me = 0; me < 3; me++)
        threads.emplace_back([&] {
            for (int i = 0; i < 150; i++) {
                auto seen = std::atomic_load(&current);
                std::shared_ptr<Node> next;
                do
                    next = std::make_shared<Node>(seen->value + 1, seen);
                while (!std::atomic_compare_exchange_weak(&current, &seen, next));
                check(!first.expired());
            }
        });
    for (auto &thread : threads)
        thread.join();
    int length = 0;
    for (auto node = current; node; node = node->next)
        check(node->value == 450 - length++);
    say("a list of %d", length);
    while (current)
        current = std::move(std::shared_ptr<Node>(current)->next);
    check(first.expired());
    say("%d nodes left", Node::alive.load());
}

static void body() {
    futures();
    pointers();
}
