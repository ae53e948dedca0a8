// Counters of each cpu, added to without atomics by restartable sequences (rseq), as allocators do; a thread that has
// none (the kernel says so in its area) uses an atomic counter. No addition is lost, and sched_getcpu names a cpu.
// calls: futex
#include "conform.hh"

#include <atomic>
#include <sched.h>
#include <sys/rseq.h>
#include <vector>

constexpr int THREADS = 4, CPUS = 1024;
constexpr long ROUNDS = 20000;

struct alignas(64) Counter {
    long value;
};
static Counter counters[CPUS];
static std::atomic<long> others;

static struct rseq *area() {
    return reinterpret_cast<struct rseq *>(static_cast<char *>(__builtin_thread_pointer()) + __rseq_offset);
}

// Adds 1 to this cpu's counter; false if the thread was moved, interrupted, or has no area.
static bool add() {
    struct rseq *rseq = area();
    int cpu = static_cast<int>(*static_cast<volatile uint32_t *>(&rseq->cpu_id_start));
    __asm__ goto(".pushsection __rseq_cs, \"aw\"\n"
                 ".balign 32\n"
                 "3: .long 0, 0\n"
                 ".quad 1f, 2f - 1f, 4f\n"
                 ".popsection\n"
                 "leaq 3b(%%rip), %%rax\n"
                 "movq %%rax, 8(%[rseq])\n"
                 "1: cmpl %[cpu], 4(%[rseq])\n"
                 "jnz 4f\n"
                 "addq $1, (%[counter])\n"
                 "2:\n"
                 ".pushsection .text.unlikely, \"ax\"\n"
                 ".byte 0x0f, 0xb9, 0x3d\n"
                 ".long 0x53053053\n"
                 "4: jmp %l[aborted]\n"
                 ".popsection\n"
                 :
                 : [rseq] "r"(rseq), [cpu] "r"(cpu), [counter] "r"(&counters[cpu % CPUS].value)
                 : "memory", "cc", "rax"
                 : aborted);
    return true;
aborted:
    return false;
}

static void work() {
    settle();
    for (long i = 0; i < ROUNDS; i++) {
        while (!add())
            if (*static_cast<volatile int *>(reinterpret_cast<int *>(&area()->cpu_id)) < 0) {
                others++;
                break;
            }
        if (i % 4000 == 0) {
            int cpu = sched_getcpu();
            check(cpu >= 0 && cpu < sysconf(_SC_NPROCESSORS_CONF));
        }
    }
}

static void body() {
    std::vector<std::thread> threads;
    for (int i = 0; i < THREADS; i++)
        threads.emplace_back(work);
    for (auto &thread : threads)
        thread.join();
    long sum = others;
    for (auto &counter : counters)
        sum += counter.value;
    say("counted %ld", sum);
}
