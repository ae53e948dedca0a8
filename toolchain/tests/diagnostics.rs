//! What cannot migrate: each construct is told with its place, and the program is right nevertheless, also
//! when its threads leave at every point they can.

mod support;

use support::{On, Program, complaint, directory, rtx_cc, succeed};

struct Case {
    name: &'static str,
    source: &'static str,
    /// Parts of the warning.
    warning: &'static [&'static str],
    /// What the program prints.
    prints: &'static str,
    /// Whether a file for aarch64 is written.
    both: bool,
}

/// A function with points, called from the construct under test.
const HELPER: &str = "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <stdarg.h>\n\
    __attribute__((noinline)) static int busy(int n) { int s = 0; for (int i = 0; i < n; i++) { s += i ^ n; \
    if (i == 5) s += busy(n - 7); } return s; }\n";

fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "setjmp",
            source: "#include <setjmp.h>\nstatic jmp_buf env;\n\
                __attribute__((noinline)) static int deep(int n) { int local[4] = {n}; if (n == 3) longjmp(env, busy(9)); return deep(n + 1) + local[0]; }\n\
                __attribute__((noinline)) static int f(void) { int r = setjmp(env); if (r) return r; return deep(0); }\n\
                int main(void) { int s = 0; for (int i = 0; i < 3; i++) s += f() + busy(20); printf(\"%d\\n\", s); return 0; }\n",
            warning: &[
                "setjmp.c:9:",
                "'f' calls a function that returns twice",
                "[-Wrtx-setjmp]",
            ],
            prints: "",
            both: true,
        },
        Case {
            name: "vla",
            source: "__attribute__((noinline)) static int f(int n) { int a[n]; for (int i = 0; i < n; i++) a[i] = busy(i); return a[n - 1] + a[n / 2]; }\n\
                int main(void) { printf(\"%d\\n\", f(12) + busy(20)); return 0; }\n",
            warning: &[
                "'f' takes stack memory of variable size",
                "[-Wrtx-dynamic-stack]",
            ],
            prints: "",
            both: true,
        },
        Case {
            name: "goto",
            source: "__attribute__((noinline)) static int f(int n) { static void *const to[] = {&&a, &&b, &&c}; int s = 0; goto *to[n % 3];\n\
                a: s += busy(9); b: s += 2; c: s += busy(3); if (n-- > 0) goto *to[n % 3]; return s; }\n\
                int main(void) { printf(\"%d\\n\", f(7) + busy(20)); return 0; }\n",
            warning: &["'f' uses labels as values", "[-Wrtx-computed-goto]"],
            prints: "",
            both: true,
        },
        Case {
            name: "musttail",
            source: "__attribute__((noinline)) static int g(int n, int s) { return busy(n) + s; }\n\
                __attribute__((noinline)) static int f(int n, int s) { if (n > 9) __attribute__((musttail)) return g(n, s + busy(n)); return s; }\n\
                int main(void) { printf(\"%d\\n\", f(12, 1) + busy(20)); return 0; }\n",
            warning: &["'f' has a musttail call", "[-Wrtx-musttail]"],
            prints: "",
            both: true,
        },
        Case {
            name: "varargs",
            source: "__attribute__((noinline)) static int f(int n, ...) { va_list list; int s = 0; va_start(list, n); \
                for (int i = 0; i < n; i++) s += busy(va_arg(list, int)) + (int)va_arg(list, double); va_end(list); return s; }\n\
                __attribute__((noinline)) static void say(char *to, size_t n, const char *format, ...) { va_list l, m; va_start(l, format); va_copy(m, l); vsnprintf(to, n, format, m); va_end(m); va_end(l); }\n\
                int main(void) { char t[32]; say(t, sizeof t, \"%d/%s/%.2f\", 5, \"x\", 2.5); printf(\"%d %s\\n\", f(3, 9, 1.5, 20, 2.5, 3, 7.0) + busy(20), t); return 0; }\n",
            warning: &["'f' takes variable arguments", "[-Wrtx-varargs]"],
            prints: "",
            both: true,
        },
        Case {
            name: "longdouble",
            source: "__attribute__((noinline)) static double f(int n) { long double s = 1; for (int i = 0; i < n; i++) s = s * 1.5L + busy(i); return (double)s; }\n\
                int main(void) { printf(\"%.6g\\n\", f(12) + busy(20)); return 0; }\n",
            warning: &["'f' uses long double", "[-Wrtx-long-double]"],
            prints: "",
            both: true,
        },
        Case {
            name: "sharedlongdouble",
            source: "long double shared = 2; int main(void) { shared *= 2; printf(\"%d\\n\", (int)shared + busy(20)); return 0; }\n",
            warning: &[
                "holds a long double",
                "only the x86-64 file",
                "[-Wrtx-x86-only]",
            ],
            prints: "",
            both: false,
        },
        Case {
            name: "asm",
            source: "__attribute__((noinline)) static int f(int n) { int r;\n#ifdef __x86_64__\n__asm__ volatile(\"leal 1(%1), %0\" : \"=r\"(r) : \"r\"(n));\n\
                #else\n__asm__ volatile(\"add %w0, %w1, #1\" : \"=r\"(r) : \"r\"(n));\n#endif\nreturn busy(r); }\n\
                int main(void) { printf(\"%d\\n\", f(12) + busy(20)); return 0; }\n",
            warning: &["'f' has inline assembly", "[-Wrtx-inline-asm]"],
            prints: "",
            both: true,
        },
        Case {
            name: "x86asm",
            source: "__attribute__((noinline)) static int f(int n) { int r; __asm__ volatile(\"movl %1, %%eax\\n\\tmovl %%eax, %0\" : \"=r\"(r) : \"r\"(n) : \"eax\"); return busy(r); }\n\
                int main(void) { printf(\"%d\\n\", f(12) + busy(20)); return 0; }\n",
            warning: &["it cannot be compiled for aarch64", "[-Wrtx-x86-only]"],
            prints: "",
            both: false,
        },
        Case {
            name: "complex",
            source: "#include <complex.h>\n__attribute__((noinline)) static float f(float x) { float complex z = cexpf(x + 1.0f * I); return crealf(z) + busy(9); }\n\
                int main(void) { printf(\"%.3f\\n\", f(1.5f) + busy(20)); return 0; }\n",
            warning: &[
                "'f' makes a call whose arguments differ in form",
                "[-Wrtx-signature]",
            ],
            prints: "",
            both: true,
        },
    ]
}

#[test]
fn what_cannot_migrate_is_told_and_the_program_is_right() {
    let directory = directory("diagnostics");
    for case in cases() {
        let source = directory.join(format!("{}.c", case.name));
        std::fs::write(&source, format!("{HELPER}{}", case.source)).unwrap();
        let path = directory.join(case.name);
        let said = complaint(
            rtx_cc()
                .args(["-O2", "-frtx-selftest", "-lm", "-o"])
                .arg(&path)
                .arg(&source),
        );
        for part in case.warning {
            assert!(said.contains(part), "{}: no '{part}' in: {said}", case.name);
        }
        let reference = directory.join("reference");
        succeed(
            std::process::Command::new("gcc")
                .args(["-O1", "-w", "-o"])
                .arg(&reference)
                .arg(replace_musttail(&source))
                .arg("-lm"),
        );
        let expected =
            String::from_utf8(succeed(&mut std::process::Command::new(&reference)).stdout).unwrap();
        assert!(case.prints.is_empty() || case.prints == expected);
        let program = Program::at(&path);
        let places: &[On] = if case.both {
            &[On::X86, On::Arm]
        } else {
            &[On::X86]
        };
        assert_eq!(
            program
                .path()
                .with_file_name(format!("{}.aarch64", case.name))
                .exists(),
            case.both,
            "{}",
            case.name
        );
        for on in places {
            for settings in [&[][..], &[("INPLACE", "1")], &[("INPLACE", "3")]] {
                let run = program.run(*on, settings);
                assert_eq!(
                    (run.status, run.out.as_str()),
                    (Some(0), expected.as_str()),
                    "{} {on:?} {settings:?}: {}",
                    case.name,
                    run.err
                );
            }
        }
    }
}

/// gcc has no musttail for C; nothing else in the programs is clang's own.
fn replace_musttail(source: &std::path::Path) -> std::path::PathBuf {
    let text = std::fs::read_to_string(source)
        .unwrap()
        .replace("__attribute__((musttail))", "");
    let path = source.with_extension("gcc.c");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_warning_can_be_silenced_and_can_be_an_error() {
    let directory = directory("silenced");
    let source = directory.join("v.c");
    std::fs::write(
        &source,
        "int f(int n) { int a[n]; a[0] = n; return a[n / 2]; }\n",
    )
    .unwrap();
    let object = directory.join("v.o");
    let compile = |options: &[&str]| {
        rtx_cc()
            .args(options)
            .arg("-c")
            .arg(&source)
            .arg("-o")
            .arg(&object)
            .output()
            .unwrap()
    };
    assert!(String::from_utf8_lossy(&compile(&[]).stderr).contains("v.c:1:"));
    assert!(compile(&["-Wno-rtx-dynamic-stack"]).stderr.is_empty());
    assert!(!compile(&["-Werror"]).status.success());
}

#[test]
fn callbacks_signals_and_exit_functions_hold_their_thread() {
    let directory = directory("held");
    let source = directory.join("held.c");
    std::fs::write(&source, format!("{HELPER}{HELD}")).unwrap();
    let program = Program::build(&directory, "held", &[&source], &[]);
    let whole = program.run(On::X86, &[]);
    assert_eq!(whole.status, Some(0), "{whole:?}");
    assert!(whole.out.contains("visited 4"), "{whole:?}");
    for on in [On::X86, On::Arm] {
        for every in ["1", "2", "5"] {
            assert_eq!(
                program.run(on, &[("INPLACE", every)]),
                whole,
                "every {every} on {on:?}"
            );
        }
    }
    // Handlers are the kernel's to keep: a new process has none.
    let quiet = program.with(&["quiet"]);
    let whole = quiet.run(On::X86, &[]);
    for point in (0..quiet.points()).step_by(3) {
        assert_eq!(
            quiet.cross(On::X86, point, &directory.join("dump")),
            whole,
            "point {point}"
        );
    }
}

const HELD: &str = r#"
#include <search.h>
#include <signal.h>
#include <unistd.h>
static void *root;
static int visited, handled;
static int order(const void *a, const void *b) { busy(8); return strcmp(a, b); }
static void visit(const void *node, VISIT which, int depth) { if (which == postorder || which == leaf) visited += busy(depth + 6) != -1; }
static void handler(int number) { handled += busy(9) != number; }
static void last(void) { printf("last %d\n", busy(12)); }
__attribute__((constructor)) static void first(void) { handled = busy(7) & 0; }
static int compare(const void *a, const void *b) { int x = *(const int *)a, y = *(const int *)b; return busy(6) ? (x > y) - (x < y) : 0; }
int main(int count, char **arguments) {
    static const char *words[] = {"delta", "alpha", "gamma", "beta"};
    int numbers[9] = {5, 2, 8, 1, 9, 3, 7, 4, 6};
    struct sigaction old, action = {.sa_handler = handler};
    atexit(last);
    sigaction(SIGUSR1, &action, 0);
    sigaction(SIGUSR1, 0, &old);
    for (int i = 0; i < 4; i++) {
        tsearch(words[i], &root, order);
        if (count < 2)
            raise(SIGUSR1);
        busy(7);
    }
    twalk(root, visit);
    qsort(numbers, 9, sizeof *numbers, compare);
    (void)arguments;
    printf("visited %d handled %d same %d sorted %d%d%d\n", visited, handled, old.sa_handler == handler, numbers[0], numbers[4], numbers[8]);
    return 0;
}
"#;
