//! What rtx changes in musl, and why. Every replacement must match exactly once: another version of musl
//! fails here, before anything can go wrong at run time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::pass::Isa;

/// Why musl cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// A file cannot be read or written.
    #[error("cannot edit {}", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The text to be replaced is not there, or there more than once.
    #[error("{} is not as in musl 1.2.3: '{text}' is there {count} times", path.display())]
    NotThere {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        text: String,
        /// How often it was found.
        count: usize,
    },
}

/// Files of ours that go into musl.
pub const TEXTS: [&str; 6] = [
    include_str!("../../musl/rtx_libc.c"),
    include_str!("../../musl/aarch64_fenv.c"),
    include_str!("../../musl/aarch64_epoll.c"),
    include_str!("../../musl/aarch64_kernel.h"),
    include_str!("../../musl/x86_64_fenv.c"),
    include_str!("../../musl/aarch64_vfork.s"),
];

/// A file, what stands there, what is to stand there.
type Edit = (&'static str, &'static str, &'static str);

/// One struct pthread everywhere, with the thread's words of the ABI behind its first six.
const THREAD: [Edit; 4] = [
    (
        "src/internal/pthread_impl.h",
        "\tuintptr_t canary;\n#endif\n\n\t/* Part 2",
        "\tuintptr_t canary;\n#endif\n\tstruct __rtx_words { int mode, held; char *data_stack; void *header; \
         unsigned long cancellable, reserved[2]; } rtx;\n\n\t/* Part 2",
    ),
    (
        "src/internal/pthread_impl.h",
        "#define pthread __pthread\n",
        "#define pthread __pthread\n\nhidden void __rtx_thread_begin(void *, void *, size_t);\nhidden void \
         __rtx_thread_end(void *);\nhidden void *__rtx_run_thread(void *(*)(void *), void *, int);\nhidden void \
         __rtx_begin_main(void);\nhidden void __rtx_handle(int, void *, void *, void (*)(int, void *, void *));\nhidden _Noreturn void \
         __rtx_die(const char *);\n",
    ),
    (
        "arch/aarch64/pthread_arch.h",
        "#define TLS_ABOVE_TP\n#define GAP_ABOVE_TP 16\n",
        "",
    ),
    // The image that rtx-cc lays out, instead of the linker's.
    (
        "src/env/__init_tls.c",
        "\tif (tls_phdr) {\n\t\tmain_tls.image = (void *)(base + tls_phdr->p_vaddr);\n\t\tmain_tls.len = \
         tls_phdr->p_filesz;\n\t\tmain_tls.size = tls_phdr->p_memsz;\n\t\tmain_tls.align = tls_phdr->p_align;\n",
        "\textern hidden const struct { void *image; size_t len, size, align; } __rtx_tls;\n\tif (tls_phdr) \
         a_crash();\n\tif (__rtx_tls.size) {\n\t\tmain_tls.image = __rtx_tls.image;\n\t\tmain_tls.len = \
         __rtx_tls.len;\n\t\tmain_tls.size = __rtx_tls.size;\n\t\tmain_tls.align = __rtx_tls.align;\n",
    ),
];

/// Threads get their data stack with their machine stack, and run under the base function.
const THREADS: [Edit; 6] = [
    (
        "src/env/__init_tls.c",
        "\tif (__init_tp(__copy_tls(mem)) < 0)\n\t\ta_crash();\n",
        "\tif (__init_tp(__copy_tls(mem)) < 0)\n\t\ta_crash();\n\t__rtx_begin_main();\n",
    ),
    (
        "src/thread/pthread_create.c",
        "\tnew->guard_size = guard;\n",
        "\tnew->guard_size = guard;\n\t__rtx_thread_begin(new, stack_limit, new->stack_size);\n\tif (!new->rtx.header) {\n\t\tif \
         (map) __munmap(map, size);\n\t\tgoto fail;\n\t}\n",
    ),
    (
        "src/thread/pthread_create.c",
        "\tif (ret < 0) {\n\t\tif (map) __munmap(map, size);\n",
        "\tif (ret < 0) {\n\t\t__rtx_thread_end(new);\n\t\tif (map) __munmap(map, size);\n",
    ),
    (
        "src/thread/pthread_create.c",
        "\t__dl_thread_cleanup();\n",
        "\t__dl_thread_cleanup();\n\t__rtx_thread_end(self);\n",
    ),
    (
        "src/thread/pthread_create.c",
        "__pthread_exit(args->start_func(args->start_arg));",
        "__pthread_exit(__rtx_run_thread(args->start_func, args->start_arg, 0));",
    ),
    (
        "src/thread/pthread_create.c",
        "\tint (*start)(void*) = (int(*)(void*)) args->start_func;\n\t__pthread_exit((void \
         *)(uintptr_t)start(args->start_arg));",
        "\t__pthread_exit(__rtx_run_thread(args->start_func, args->start_arg, 1));",
    ),
];

/// Handlers run with their thread held.
const SIGNALS: [Edit; 3] = [
    (
        "src/signal/sigaction.c",
        "volatile int __eintr_valid_flag;\n",
        "volatile int __eintr_valid_flag;\n\nstatic void (*volatile rtx_handlers[_NSIG])(int, void *, void *);\n\nstatic \
         void rtx_trampoline(int sig, siginfo_t *si, void *ctx)\n{\n\t__rtx_handle(sig, si, ctx, \
         rtx_handlers[sig]);\n}\n",
    ),
    (
        "src/signal/sigaction.c",
        "\t\tksa.handler = sa->sa_handler;\n",
        "\t\tksa.handler = sa->sa_handler;\n\t\trtx_before = rtx_handlers[sig];\n\t\tif \
         ((uintptr_t)sa->sa_handler > 1UL && sig-32U >= 3) {\n\t\t\trtx_handlers[sig] = (void (*)(int, void *, \
         void *))sa->sa_handler;\n\t\t\tksa.handler = (void (*)(int))rtx_trampoline;\n\t\t}\n",
    ),
    (
        "src/signal/sigaction.c",
        "\t\told->sa_handler = ksa_old.handler;\n",
        "\t\told->sa_handler = ksa_old.handler == (void (*)(int))rtx_trampoline ? (void (*)(int))rtx_before : \
         ksa_old.handler;\n",
    ),
];

/// Frames and handlers of one instruction set are never entered on the other: a jmp_buf says which wrote it, and
/// the address to which handlers return is one on both.
const FRAMES: [Edit; 6] = [
    (
        "src/setjmp/x86_64/setjmp.s",
        "\txor %eax,%eax           /* always return 0 */\n",
        "\tmovq $0x52545800,96(%rdi)\n\txor %eax,%eax           /* always return 0 */\n",
    ),
    (
        "src/setjmp/x86_64/longjmp.s",
        "longjmp:\n\txor %eax,%eax\n",
        "longjmp:\n\tcmpq $0x52545800,96(%rdi)\n\tjne __rtx_far_jump\n\txor %eax,%eax\n",
    ),
    (
        "src/setjmp/aarch64/setjmp.s",
        "\tmov x0, #0\n\tret\n",
        "\tmov w2, #0x5801\n\tmovk w2, #0x5254, lsl #16\n\tstr x2, [x0,#96]\n\tmov x0, #0\n\tret\n",
    ),
    (
        "src/setjmp/aarch64/longjmp.s",
        "longjmp:\n\t// IHI0055B",
        "longjmp:\n\tldr x2, [x0,#96]\n\tmov w3, #0x5801\n\tmovk w3, #0x5254, lsl #16\n\tcmp x2, x3\n\tb.eq 1f\n\tb \
         __rtx_far_jump\n1:\n\t// IHI0055B",
    ),
    (
        "src/signal/x86_64/restore.s",
        "\tnop\n",
        "\tnop\n\tnop\n\tnop\n\tnop\n",
    ),
    (
        "src/signal/aarch64/restore.s",
        ".global __restore\n",
        "\tnop\n.global __restore\n",
    ),
];

/// A handler that runs at home cannot see where its thread is on a board. So a word says whether the thread is in
/// a system call that pthread_cancel may end.
const CANCELLATION: [Edit; 2] = [
    (
        "src/thread/pthread_cancel.c",
        "\tr = __syscall_cp_asm(&self->cancel, nr, u, v, w, x, y, z);\n",
        "\tunsigned long volatile *within = &self->rtx.cancellable;\n\tunsigned long before = *within;\n\t*within = nr \
         != SYS_close;\n\tr = __syscall_cp_asm(&self->cancel, nr, u, v, w, x, y, z);\n\t*within = before;\n",
    ),
    (
        "src/thread/pthread_cancel.c",
        "\tpthread_t self = __pthread_self();\n\tif (self->canceldisable == PTHREAD_CANCEL_ENABLE || self->cancelasync)\n",
        "\tpthread_t self = __pthread_self();\n\tself->rtx.cancellable = 0;\n\tif (self->canceldisable == PTHREAD_CANCEL_ENABLE || self->cancelasync)\n",
    ),
];

/// A child that shares memory has its parent's thread pointer, and so its words and its data stack. It leaves them as
/// they are when it execs or exits, so the parent restores them.
const CLONE: [Edit; 2] = [
    (
        "src/linux/clone.c",
        "\treturn __syscall_ret(__clone(func, stack, flags, arg, ptid, tls, ctid));\n",
        "\tif ((flags & (CLONE_VM|CLONE_VFORK)) == CLONE_VM)\n\t\t__rtx_die(\"clone() with CLONE_VM would run two threads \
         on one data stack; use pthread_create\");\n\tstruct __rtx_words *rtx = &__pthread_self()->rtx;\n\tint held = \
         rtx->held;\n\tchar *data = rtx->data_stack;\n\trtx->held = held + 1;\n\tint r = __clone(func, stack, flags, \
         arg, ptid, tls, ctid);\n\trtx->held = held;\n\trtx->data_stack = data;\n\treturn __syscall_ret(r);\n",
    ),
    (
        "src/process/posix_spawn.c",
        "\tpid = __clone(child, stack+sizeof stack,\n\t\tCLONE_VM|CLONE_VFORK|SIGCHLD, &args);\n",
        "\tint held = __pthread_self()->rtx.held;\n\tpid = __clone(child, \
         stack+sizeof stack,\n\t\tCLONE_VM|CLONE_VFORK|SIGCHLD, &args);\n\t__pthread_self()->rtx.held = held;\n",
    ),
];

/// All threads change their user or group by one call, whose number each knows for its own instruction set.
const IDENTITIES: [Edit; 3] = [
    (
        "src/unistd/setxid.c",
        "static void do_setxid(void *p)\n",
        "static const short rtx_calls[] = {\n\tSYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, \
         SYS_setresgid\n};\n\nstatic void do_setxid(void *p)\n",
    ),
    (
        "src/unistd/setxid.c",
        "__syscall(c->nr, c->id,",
        "__syscall(rtx_calls[c->nr], c->id,",
    ),
    (
        "src/unistd/setxid.c",
        "\tstruct ctx c = { .nr = nr, .id",
        "\tint rtx_call = 0;\n\twhile (rtx_calls[rtx_call] != nr) rtx_call++;\n\tstruct ctx c = { .nr = rtx_call, .id",
    ),
];

/// Memory at chosen addresses for tests, none from brk, and no vDSO where a board cannot offer one.
const MEMORY: [Edit; 10] = [
    (
        "src/malloc/lite_malloc.c",
        "&& __syscall(SYS_brk, brk+req)==brk+req",
        "&& 0",
    ),
    (
        "src/signal/sigaction.c",
        "\tstruct k_sigaction ksa, ksa_old;\n",
        "\tstruct k_sigaction ksa, ksa_old;\n\tvoid \
         (*rtx_before)(int, void *, void *) = rtx_handlers[sig];\n",
    ),
    (
        "src/mman/mmap.c",
        "\tlong ret;\n",
        "\tlong ret;\n\textern void *(*__rtx_mmap_hook)(size_t, int);\n\tif (__rtx_mmap_hook && !(flags & \
         MAP_FIXED) && (flags & MAP_ANON) && (flags & MAP_PRIVATE))\n\t\treturn __rtx_mmap_hook(len, prot);\n",
    ),
    (
        "src/malloc/mallocng/glue.h",
        "#define brk(p) ((uintptr_t)__syscall(SYS_brk, p))",
        "#define brk(p) ((uintptr_t)-1)",
    ),
    (
        "src/time/clock_gettime.c",
        "static void *volatile vdso_func;\n",
        "#define vdso_func __rtx_vdso_clock_gettime\nextern void *volatile vdso_func;\n",
    ),
    (
        "src/time/clock_gettime.c",
        "static void *volatile vdso_func = (void *)cgt_init;\n\n#endif\n",
        "void *volatile vdso_func = (void *)cgt_init;\n\n#else\n\n__attribute__((section(\".data.__rtx_vdso_clock_gettime\"))) \
         void *volatile __rtx_vdso_clock_gettime = 0;\n\n#endif\n",
    ),
    (
        "arch/aarch64/syscall_arch.h",
        "#define VDSO_USEFUL\n#define VDSO_CGT_SYM \"__kernel_clock_gettime\"\n#define VDSO_CGT_VER \"LINUX_2.6.39\"\n",
        "",
    ),
    (
        "include/sys/epoll.h",
        "#ifdef __x86_64__\n__attribute__ ((__packed__))\n#endif",
        "__attribute__ ((__packed__))",
    ),
    ("arch/x86_64/bits/setjmp.h", "[8]", "[22]"),
    (
        "arch/x86_64/bits/signal.h",
        "#define MINSIGSTKSZ 2048\n#define SIGSTKSZ 8192",
        "#define MINSIGSTKSZ 6144\n#define \
         SIGSTKSZ 12288",
    ),
];

/// On aarch64: the flags of x86-64's headers.
const FLAGS: [Edit; 4] = [
    (
        "arch/aarch64/syscall_arch.h",
        "#define __asm_syscall(...)",
        "#include \"rtx_kernel.h\"\n#define __asm_syscall(...)",
    ),
    (
        "arch/aarch64/syscall_arch.h",
        "\tregister long x2 __asm__(\"x2\") = c;\n\t__asm_syscall(\"r\"(x8), \"0\"(x0), \"r\"(x1), \"r\"(x2));",
        "\tif (n == 25 && b == 3) return __rtx_get_flags(a);\n\tregister long x2 __asm__(\"x2\") = \
         __rtx_has_open_flags(n, b) ? __rtx_open_flags(c) : c;\n\t__asm_syscall(\"r\"(x8), \"0\"(x0), \"r\"(x1), \
         \"r\"(x2));",
    ),
    (
        "arch/aarch64/syscall_arch.h",
        "\tregister long x2 __asm__(\"x2\") = c;\n\tregister long x3 __asm__(\"x3\") = d;\n\t__asm_syscall(\"r\"(x8), \
         \"0\"(x0), \"r\"(x1), \"r\"(x2), \"r\"(x3));",
        "\tregister long x2 __asm__(\"x2\") = n == 56 ? __rtx_open_flags(c) : c;\n\tregister long x3 __asm__(\"x3\") = \
         d;\n\t__asm_syscall(\"r\"(x8), \"0\"(x0), \"r\"(x1), \"r\"(x2), \"r\"(x3));",
    ),
    (
        "src/thread/__syscall_cp.c",
        "\treturn __syscall_cp_c(nr, u, v, w, x, y, z);",
        "\tif (nr == 56) w = __rtx_open_flags(w);\n\treturn __syscall_cp_c(nr, u, v, w, x, y, z);",
    ),
];

/// The kernel's struct stat, whose fields have the widths of aarch64's types: with x86-64's headers these are others.
const KERNEL_STAT: [Edit; 2] = [
    (
        "arch/aarch64/kstat.h",
        "\tnlink_t st_nlink;\n",
        "\tunsigned st_nlink;\n",
    ),
    (
        "arch/aarch64/kstat.h",
        "\tblksize_t st_blksize;\n",
        "\tint st_blksize;\n",
    ),
];

/// Headers of x86-64 that aarch64's build of libc uses too: those of the program's view.
const SHARED_BITS: [&str; 6] = [
    "alltypes.h.in",
    "fenv.h",
    "limits.h",
    "mman.h",
    "stat.h",
    "sem.h",
];

/// Changes a source tree for `isa`.
///
/// # Errors
/// When the source is not as expected.
pub fn apply(tree: &Path, isa: Isa) -> Result<(), EditError> {
    let edits = THREAD.iter().chain(&THREADS).chain(&SIGNALS);
    for (name, from, to) in edits
        .chain(&FRAMES)
        .chain(&CANCELLATION)
        .chain(&CLONE)
        .chain(&IDENTITIES)
        .chain(&MEMORY)
    {
        replace(&tree.join(name), from, to)?;
    }
    write(&tree.join("src/internal/rtx_libc.c"), TEXTS[0])?;
    drop_assembly(tree)?;
    write(&tree.join("src/fenv/x86_64/fenv.c"), TEXTS[4])?;
    write(&tree.join("src/fenv/aarch64/fenv.c"), TEXTS[1])?;
    if isa == Isa::Aarch64 {
        apply_aarch64(tree)?;
    }
    Ok(())
}

fn apply_aarch64(tree: &Path) -> Result<(), EditError> {
    write(
        &tree.join("arch/aarch64/rtx_kernel.h"),
        &format!("{}{GET_FLAGS}", TEXTS[3]),
    )?;
    for (name, from, to) in FLAGS.iter().chain(&KERNEL_STAT) {
        replace(&tree.join(name), from, to)?;
    }
    for name in SHARED_BITS {
        let from = tree.join("arch/x86_64/bits").join(name);
        let text = fs::read_to_string(&from).map_err(|e| EditError::File(from, e))?;
        write(&tree.join("arch/aarch64/bits").join(name), &text)?;
    }
    let fcntl = tree.join("arch/aarch64/bits/fcntl.h");
    fs::remove_file(&fcntl).map_err(|e| EditError::File(fcntl, e))?;
    let directory = tree.join("src/linux/aarch64");
    fs::create_dir_all(&directory).map_err(|e| EditError::File(directory.clone(), e))?;
    write(&directory.join("epoll.c"), TEXTS[2])?;
    let directory = tree.join("src/process/aarch64");
    fs::create_dir_all(&directory).map_err(|e| EditError::File(directory.clone(), e))?;
    write(&directory.join("vfork.s"), TEXTS[5])?;
    let directory = tree.join("src/misc/aarch64");
    fs::create_dir_all(&directory).map_err(|e| EditError::File(directory.clone(), e))?;
    write(&directory.join("syscall.c"), &numbered_calls(tree)?)
}

/// The flags of a file, as x86-64 numbers them.
const GET_FLAGS: &str = "
static inline long __rtx_get_flags(long fd)
{
	register long x8 __asm__(\"x8\") = 25;
	register long x0 __asm__(\"x0\") = fd;
	register long x1 __asm__(\"x1\") = 3;
	__asm__ __volatile__ (\"svc 0\" : \"+r\"(x0) : \"r\"(x8), \"r\"(x1) : \"memory\", \"cc\");
	return x0 < 0 ? x0 : (x0 & ~0740000L) | (x0 & 0200000) >> 2 | (x0 & 0400000) >> 2 | (x0 & 040000) << 2 | (x0 & 0100000) << 2;
}
";

/// From this number on all instruction sets have the same (include/uapi/asm-generic/unistd.h), also of calls that libc
/// does not know.
const FIRST_COMMON: u32 = 424;

/// syscall() for programs that name calls by x86-64's numbers.
fn numbered_calls(tree: &Path) -> Result<String, EditError> {
    let numbers = |isa: Isa| -> Result<Vec<(String, u32)>, EditError> {
        let path = tree.join(format!("arch/{}/bits/syscall.h.in", isa.name()));
        let text = fs::read_to_string(&path).map_err(|e| EditError::File(path, e))?;
        Ok(text
            .lines()
            .filter_map(|line| line.strip_prefix("#define __NR_"))
            .filter_map(|rest| {
                let mut words = rest.split_whitespace();
                Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
            })
            .collect())
    };
    let theirs = numbers(Isa::Aarch64)?;
    let table: String = numbers(Isa::X86_64)?
        .into_iter()
        .filter(|(_, number)| *number < FIRST_COMMON)
        .filter_map(|(name, number)| {
            let found = theirs.iter().find(|(other, _)| *other == name)?.1;
            Some(format!("\t[{number}] = {},\n", found + 1))
        })
        .collect();
    Ok(format!(
        "/* syscall() with the numbers of x86-64. */\n#include <unistd.h>\n#include <errno.h>\n#include <stdarg.h>\n\
         #include \"syscall.h\"\n\n#undef syscall\n\nstatic const unsigned short numbers[] = {{\n{table}}};\n\n\
         long syscall(long n, ...)\n{{\n\tva_list ap;\n\tsyscall_arg_t a,b,c,d,e,f;\n\tva_start(ap, n);\n\t\
         a=va_arg(ap, syscall_arg_t);\n\tb=va_arg(ap, syscall_arg_t);\n\tc=va_arg(ap, syscall_arg_t);\n\t\
         d=va_arg(ap, syscall_arg_t);\n\te=va_arg(ap, syscall_arg_t);\n\tf=va_arg(ap, syscall_arg_t);\n\tva_end(ap);\n\t\
         if (n < {FIRST_COMMON}) {{\n\t\tif (n < 0 || n >= sizeof numbers/sizeof *numbers || !numbers[n]) {{\n\t\t\terrno = \
         ENOSYS;\n\t\t\treturn -1;\n\t\t}}\n\t\tn = numbers[n]-1;\n\t}}\n\treturn \
         __syscall_ret(__syscall(n,a,b,c,d,e,f));\n}}\n"
    ))
}

/// Assembly that only one instruction set has would give a function another place than the C of the
/// other. What stays exists for both, or cannot be written in C.
fn drop_assembly(tree: &Path) -> Result<(), EditError> {
    let keep = [
        "clone",
        "syscall_cp",
        "__unmapself",
        "__set_thread_area",
        "setjmp",
        "longjmp",
        "sigsetjmp",
        "restore",
        "vfork",
        "memcpy",
        "memset",
        "dlsym",
        "tlsdesc",
    ];
    let isas = Isa::ALL.map(Isa::name);
    let src = tree.join("src");
    let topics = fs::read_dir(&src).map_err(|e| EditError::File(src.clone(), e))?;
    for topic in topics.filter_map(Result::ok) {
        for isa in isas {
            let Ok(files) = fs::read_dir(topic.path().join(isa)) else {
                continue;
            };
            for file in files.filter_map(Result::ok).map(|f| f.path()) {
                let stem = file
                    .file_stem()
                    .and_then(|s| s.to_str())
                    .unwrap_or_default()
                    .to_owned();
                let assembly = file.extension().is_some_and(|end| end == "s" || end == "S");
                if assembly && !keep.contains(&stem.as_str()) {
                    fs::remove_file(&file).map_err(|e| EditError::File(file.clone(), e))?;
                }
            }
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), EditError> {
    fs::write(path, text).map_err(|e| EditError::File(path.to_owned(), e))
}

fn replace(path: &Path, from: &str, to: &str) -> Result<(), EditError> {
    let text = fs::read_to_string(path).map_err(|e| EditError::File(path.to_owned(), e))?;
    let count = text.matches(from).count();
    if count != 1 {
        return Err(EditError::NotThere {
            path: path.to_owned(),
            text: from.to_owned(),
            count,
        });
    }
    write(path, &text.replace(from, to))
}
