/* Memory protection keys: a key's rights are each thread's own. Where there are none, says nothing but that.
 * calls: pkey_alloc
 * recalls: fault signal
 * withdraws: boards map memory without keys (where the processor has any) */
#include "../crew.h"
#include "../pages.h"

enum { CREW = 2 };
static byte *area;
static int key;

static void set_rights(unsigned bits) {
#if defined(__x86_64__)
    unsigned all, unused;
    __asm__ volatile("rdpkru" : "=a"(all), "=d"(unused) : "c"(0));
    all = (all & ~(3u << 2 * key)) | bits << 2 * key;
    __asm__ volatile("wrpkru" : : "a"(all), "c"(0), "d"(0) : "memory");
#else
    (void)bits;
#endif
}

static void work(int me) {
    set_rights(0);
    check(area[0] == 5);
    meet();
    if (me == 0)
        set_rights(2); /* no writing */
    settle();
    meet();
    if (me == 0) {
        check(area[0] == 5);
        check(fault_of_write(area, 1) == SIGSEGV && fault_code == SEGV_PKUERR);
        /* A handler begins with the kernel's rights, and a jump out of it keeps them. */
        set_rights(0);
    } else {
        area[1] = 6;
    }
    settle();
    meet();
    check(area[1] == 6);
}

BODY {
    catch_faults();
    key = (int)syscall(SYS_pkey_alloc, 0, 0);
#if !defined(__x86_64__)
    key = -1;
#endif
    if (key < 0) {
        say("no protection keys here");
        return;
    }
    area = map_island(1);
    area[0] = 5;
    check(syscall(SYS_pkey_mprotect, area, PAGE, PROT_READ | PROT_WRITE, key) == 0);
    crew(CREW, work);
    say("each thread has its own rights");
}
