// C++ threads share memory and synchronise: mutex, timed and recursive mutex, shared_mutex, condition_variable,
// call_once, atomics of several sizes, and thread_local objects whose destructors run at each thread's end.
// calls: futex
#include "conform.hh"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <shared_mutex>
#include <string>
#include <vector>

constexpr int THREADS = 4, ITEMS = 120;

static std::atomic<int> born, gone, sum_of_ends;

struct Counted {
    int uses = 0;
    std::string name = "a string long enough to be on the heap";
    Counted() { born++; }
    ~Counted() {
        gone++;
        sum_of_ends += uses;
        check(name.size() == 38);
    }
};
static thread_local Counted counted;

template <class Work> static void run_threads(Work work) {
    std::vector<std::thread> threads;
    for (int i = 0; i < THREADS; i++)
        threads.emplace_back([=] { work(i); });
    for (auto &thread : threads)
        thread.join();
}

// A queue between producers and consumers.
class Queue {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::unique_ptr<int>> items;
    bool closed = false;

  public:
    void push(std::unique_ptr<int> item) {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return items.size() < 16; });
        items.push_back(std::move(item));
        changed.notify_all();
    }
    std::unique_ptr<int> pop() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return !items.empty() || closed; });
        if (items.empty())
            return nullptr;
        auto item = std::move(items.front());
        items.pop_front();
        changed.notify_all();
        return item;
    }
    void close() {
        std::lock_guard lock(mutex);
        closed = true;
        changed.notify_all();
    }
};

static void queues() {
    Queue queue;
    std::atomic<long> sum{0}, count{0};
    std::vector<std::thread> consumers;
    for (int i = 0; i < 2; i++)
        consumers.emplace_back([&] {
            while (auto item = queue.pop()) {
                sum += *item;
                count++;
            }
        });
    std::vector<std::thread> producers;
    for (int i = 0; i < 2; i++)
        producers.emplace_back([&queue, i] {
            for (int n = 0; n < ITEMS / 2; n++)
                queue.push(std::make_unique<int>(2 * n + i));
        });
    for (auto &thread : producers)
        thread.join();
    queue.close();
    for (auto &thread : consumers)
        thread.join();
    say("%ld items, sum %ld", count.load(), sum.load());
}

static void locks() {
    std::shared_mutex shared;
    std::recursive_mutex recursive;
    std::timed_mutex timed;
    std::once_flag once;
    std::map<int, std::string> map;
    long counter = 0, nested = 0;
    std::atomic<int> first{0};
    run_threads([&](int me) {
        std::call_once(once, [&] { first++; });
        for (int i = 0; i < 50; i++) {
            {
                std::unique_lock lock(shared);
                map[i] += std::to_string(me);
            }
            {
                std::shared_lock lock(shared);
                check(map.at(i).find(std::to_string(me)) != std::string::npos);
            }
            std::lock_guard outer(recursive);
            std::lock_guard inner(recursive);
            nested++;
            if (timed.try_lock_for(std::chrono::seconds(30))) {
                counter++;
                timed.unlock();
            }
        }
    });
    size_t letters = 0;
    for (auto &[key, value] : map)
        letters += value.size();
    say("once %d, nested %ld, counter %ld, letters %zu", first.load(), nested, counter, letters);
}

static void atomics() {
    std::atomic<unsigned char> byte{0};
    std::atomic<short> half{0};
    std::atomic<long> word{0};
    std::atomic_flag flag = ATOMIC_FLAG_INIT;
    double guarded = 0;
    run_threads([&](int) {
        for (int i = 0; i < 50; i++) {
            byte++;
            half += 2;
            word.fetch_sub(3);
            while (flag.test_and_set(std::memory_order_acquire))
                std::this_thread::yield();
            guarded += 0.5;
            flag.clear(std::memory_order_release);
        }
    });
    say("byte %d, half %d, word %ld, guarded %.1f", byte.load(), half.load(), word.load(), guarded);
}

static void locals() {
    run_threads([](int me) {
        for (int i = 0; i <= me; i++)
            counted.uses++;
    });
    check(born == gone);
    say("%d thread-local objects, uses %d", gone.load(), sum_of_ends.load());
}

static void body() {
    queues();
    locks();
    atomics();
    locals();
}
