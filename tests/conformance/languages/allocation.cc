// Threads allocate and free memory of all sizes, their own and each other's, and find it as they left it: the C
// library's allocator has an arena for each thread, grows and trims them, and hands memory over between threads.
// calls: futex
#include "conform.hh"

#include <atomic>
#include <cstring>
#include <malloc.h>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

constexpr int THREADS = 4, SLOTS = 64, ROUNDS = 300;

struct Block {
    unsigned char *at = nullptr;
    size_t size = 0;
    unsigned char fill = 0;
};
static std::mutex mutexes[SLOTS];
static Block slots[SLOTS];

static void verify(const Block &block) {
    for (size_t i = 0; i < block.size; i += i < 64 || i + 64 > block.size ? 1 : 61)
        if (block.at[i] != block.fill) {
            fprintf(stderr, "%zu of %zu: %d, not %d\n", i, block.size, block.at[i], block.fill);
            _exit(99);
        }
}

static void work(int me) {
    uint64_t random = 0x9e3779b97f4a7c15u * static_cast<uint64_t>(me + 1);
    auto next = [&] {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        return random;
    };
    for (int round = 0; round < ROUNDS; round++) {
        size_t i = next() % SLOTS;
        // Small ones mostly; some beyond the size from which memory is mapped.
        size_t size = round % 100 == 0 ? 200000 + next() % 100000 : 1 + next() % (round % 10 ? 500 : 20000);
        Block block;
        std::lock_guard lock(mutexes[i]);
        block.size = size;
        block.fill = static_cast<unsigned char>(next());
        if (round % 3 == 0) {
            block.at = static_cast<unsigned char *>(calloc(1, size));
            check(block.at);
            Block zero = block;
            zero.fill = 0;
            verify(zero);
        } else if (round % 3 == 1 && slots[i].at) {
            verify(slots[i]);
            size_t kept = std::min(size, slots[i].size);
            block.at = static_cast<unsigned char *>(realloc(slots[i].at, size));
            check(block.at);
            Block old{block.at, kept, slots[i].fill};
            verify(old);
            slots[i].at = nullptr;
        } else {
            block.at = static_cast<unsigned char *>(malloc(size));
            check(block.at);
        }
        memset(block.at, block.fill, size);
        if (slots[i].at) {
            verify(slots[i]);
            free(slots[i].at);
        }
        slots[i] = block;
        if (round % 100 == 99)
            malloc_trim(0);
    }
}

static void body() {
    for (int generation = 0; generation < 2; generation++) {
        std::vector<std::thread> threads;
        for (int i = 0; i < THREADS; i++)
            threads.emplace_back(work, i + generation * THREADS);
        for (auto &thread : threads)
            thread.join();
    }
    size_t full = 0;
    for (auto &slot : slots) {
        if (slot.at)
            verify(slot);
        full += slot.at != nullptr;
        free(slot.at);
    }
    check(full == SLOTS);
    std::unordered_map<std::string, size_t> words;
    for (int i = 0; i < 5000; i++)
        words["word " + std::to_string(i % 700)]++;
    say("%zu blocks were whole, %zu words", full, words.size());
}
