/* Writes what a backtrace needs of the place that a signal interrupted, as the board sends it: AT_ENTRY,
 * the set of registers, the stack pointer, and the stack from there on. Without a libc's help. */
static long call(long nr, long a, long b, long c, long d)
{
#if defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
#endif
}

#if defined(__x86_64__)
enum { WRITE = 1, SIGACTION = 13, EXIT = 231, KILL = 62, GETPID = 39, WORDS = 27 };
/* From user_regs_struct's order to that of uc_mcontext.gregs. */
static const int FROM[] = {7, 6, 5, 4, 10, 11, 3, 2, 1, 0, 13, 14, 12, 9, 8, -1, 16, -1, 17, 15};
#else
enum { WRITE = 64, SIGACTION = 134, EXIT = 94, KILL = 129, GETPID = 172, WORDS = 37 };
#endif

extern unsigned long entry_point(void);

static void snapshot(int signal, void *info, void *context)
{
    static unsigned long words[1 + WORDS + 1];
    unsigned long *set = words + 1;
    words[0] = entry_point();
#if defined(__x86_64__)
    unsigned long *gregs = (unsigned long *)context + 5;
    for (unsigned long i = 0; i < sizeof FROM / sizeof *FROM; i++)
        if (FROM[i] >= 0)
            set[i] = gregs[FROM[i]];
    unsigned long sp = gregs[15];
#else
    unsigned long *regs = (unsigned long *)((char *)context + 176) + 1;
    for (int i = 0; i < 33; i++)
        set[i] = regs[i];
    unsigned long sp = regs[31];
#endif
    words[1 + WORDS] = sp;
    call(WRITE, 1, (long)words, sizeof words, 0);
    /* Page by page, to where there is no more of it. */
    for (unsigned long at = sp, end; at < sp + (64 << 10); at = end) {
        end = (at | 4095) + 1;
        if (call(WRITE, 1, at, end - at, 0) != (long)(end - at))
            break;
    }
    call(EXIT, 0, 0, 0, 0);
}
