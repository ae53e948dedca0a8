/* Code written by one thread runs in all, after mprotect; changed code runs as changed; without the right it does not
 * run.
 * calls: mprotect mmap
 * recalls: fault signal */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 3, ROUNDS = 6 };
typedef int (*function)(void);
static byte *area;

/* A function that returns `value`. */
static void generate(byte *at, uint16_t value) {
#if defined(__x86_64__)
    byte code[] = {0xb8, (byte)value, (byte)(value >> 8), 0, 0, 0xc3}; /* mov eax, value; ret */
#elif defined(__aarch64__)
    uint32_t code[] = {0x52800000u | (uint32_t)value << 5, 0xd65f03c0u}; /* mov w0, value; ret */
#else
#error "no code for this architecture"
#endif
    memcpy(at, code, sizeof code);
    __builtin___clear_cache((char *)at, (char *)at + sizeof code);
}

static function function_at(byte *at) {
    function result;
    memcpy(&result, &at, sizeof result);
    return result;
}

static int fault_of_call(byte *at) {
    int signal = sigsetjmp(fault_back, 1);
    if (signal == 0)
        function_at(at)();
    return fault_is(signal, at);
}

static void work(int me) {
    for (int round = 0; round < ROUNDS; round++) {
        if (round % CREW == me) {
            check(mprotect(area, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
            generate(area + 128, (uint16_t)(1000 + round));
            /* On two pages. */
            generate(area + PAGE - 4, (uint16_t)(2000 + round));
            check(mprotect(area, 2 * PAGE, PROT_READ | PROT_EXEC) == 0);
        }
        meet();
        /* What another thread wrote may be called after an instruction barrier, which a barrier's system call is. */
        check(function_at(area + 128)() == 1000 + round);
        check(function_at(area + PAGE - 4)() == 2000 + round);
        meet();
    }
    if (me == 1)
        check(mprotect(area, 2 * PAGE, PROT_READ) == 0);
    meet();
    check(fault_of_call(area + 128) == SIGSEGV && fault_code == SEGV_ACCERR);
}

BODY {
    catch_faults();
    area = map_island(2);
    crew(CREW, work);
    byte *now = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(now != MAP_FAILED);
    for (int i = 0; i < 4; i++) {
        generate(now + 64 * i, (uint16_t)(300 + i));
        check(function_at(now + 64 * i)() == 300 + i);
    }
    say("generated code runs");
}
