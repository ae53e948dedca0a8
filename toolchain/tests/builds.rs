//! rtx-cc as the compiler of makefiles and configure scripts: objects, archives, libraries, dependency files,
//! what is left to clang; debug information; programs of other compilers.

mod support;

use std::path::Path;
use std::process::Command;

use object::{Object, ObjectSection, ObjectSymbol};
use support::{On, Program, complaint, directory, rtx_cc, succeed};

fn write(directory: &Path, name: &str, text: &str) {
    std::fs::write(directory.join(name), text).unwrap();
}

const MAIN: &str = "#include <stdio.h>\n#include <math.h>\n#include \"part.h\"\nstatic int twice(int n) { return 2 * n; }\n\
    int main(void) { printf(\"%d %d %.3f\\n\", part(9), twice(shared), sqrt(part(4))); return 0; }\n";
const PART: &str = "#include \"part.h\"\nint shared = 3;\nstatic int twice(int n) { return n + n; }\n\
    int part(int n) { int s = 0; for (int i = 0; i < n; i++) s += twice(i) + other(i); return s; }\n";
const OTHER: &str = "#include <stdarg.h>\n#include <stdio.h>\n#include \"part.h\"\nstatic const char format[] = \"%d\";\n\
    static int read_back(const char *text, ...) { va_list l; int n; va_start(l, text); vsscanf(text, format, l); va_end(l); (void)n; return 0; }\n\
    int other(int n) { char t[16]; int back = 0; snprintf(t, sizeof t, format, n); read_back(t, &back); return back; }\n\
    int never(void) { return missing_function(); }\n";
const HEADER: &str = "extern int shared;\nint part(int), other(int), missing_function(void);\n";

#[test]
fn make_builds_objects_archives_and_programs() {
    let directory = directory("make");
    write(&directory, "main.c", MAIN);
    write(&directory, "part.c", PART);
    write(
        &directory,
        "other.c",
        &OTHER.replace("int never(void) { return missing_function(); }\n", ""),
    );
    write(
        &directory,
        "unused.c",
        "#include \"part.h\"\nint never(void) { return missing_function(); }\n",
    );
    write(&directory, "part.h", HEADER);
    write(
        &directory,
        "Makefile",
        "CFLAGS = -O2 -Wall -MMD\napp: main.o lib/libpart.a\n\t$(CC) $(CFLAGS) -o $@ main.o -Llib -lpart -lm -frtx-selftest\n\
         lib/libpart.a: part.o other.o unused.o\n\tmkdir -p lib\n\tar rcs $@ $^\n\tranlib $@\n",
    );
    succeed(rtx_cc().arg("--version"));
    succeed(
        Command::new("make")
            .current_dir(&directory)
            .arg(format!("CC={} -w", env!("CARGO_BIN_EXE_rtx-cc"))),
    );
    let program = Program::at(&directory.join("app"));
    let run = program.run(On::X86, &[]);
    assert_eq!(
        (run.status, run.out.as_str()),
        (Some(0), "108 6 4.243\n"),
        "{run:?}"
    );
    assert_eq!(program.run(On::Arm, &[]), run);
    assert_eq!(program.run(On::X86, &[("INPLACE", "1")]), run);
    let names = succeed(Command::new("nm").arg(directory.join("part.o"))).stdout;
    assert!(String::from_utf8_lossy(&names).contains(" T part"));
    let dependencies = std::fs::read_to_string(directory.join("part.d")).unwrap();
    assert!(
        dependencies.starts_with("part.o:") && dependencies.contains("part.h"),
        "{dependencies}"
    );
}

#[test]
fn configure_finds_a_working_compiler() {
    let directory = directory("configure");
    let here = |name: &str| directory.join(name);
    // The questions that configure scripts ask, in their order.
    write(&directory, "conftest.c", "int main(void) { return 0; }\n");
    succeed(rtx_cc().current_dir(&directory).arg("conftest.c"));
    succeed(&mut Command::new(here("a.out")));
    succeed(
        rtx_cc()
            .current_dir(&directory)
            .args(["-g", "-O2", "-o", "conftest", "conftest.c"]),
    );
    succeed(rtx_cc().current_dir(&directory).args(["-c", "conftest.c"]));
    assert!(here("conftest.o").exists());
    let text = succeed(rtx_cc().current_dir(&directory).args(["-E", "conftest.c"])).stdout;
    assert!(String::from_utf8_lossy(&text).contains("int main(void)"));
    succeed(
        rtx_cc()
            .current_dir(&directory)
            .args(["-S", "-o", "conftest.s", "conftest.c"]),
    );
    assert!(
        std::fs::read_to_string(here("conftest.s"))
            .unwrap()
            .contains("main:")
    );
    write(
        &directory,
        "conftest.c",
        "#include <no_such_header.h>\nint main(void) { return 0; }\n",
    );
    assert!(
        !rtx_cc()
            .current_dir(&directory)
            .args(["-c", "conftest.c"])
            .output()
            .unwrap()
            .status
            .success()
    );
    write(
        &directory,
        "conftest.c",
        "char no_such_function(void); int main(void) { return no_such_function(); }\n",
    );
    let said = complaint(
        rtx_cc()
            .current_dir(&directory)
            .args(["-o", "conftest", "conftest.c"]),
    );
    assert!(said.contains("no_such_function"), "{said}");
    write(
        &directory,
        "conftest.c",
        "char cos(void); int main(void) { return cos(); }\n",
    );
    succeed(rtx_cc().current_dir(&directory).args([
        "-w",
        "-fno-builtin",
        "-o",
        "conftest",
        "conftest.c",
        "-lm",
    ]));
}

#[test]
fn a_program_without_equivalence_points_is_built_for_both() {
    let directory = directory("no-points");
    let text = "#include <stdio.h>\nint main(void) { return printf(\"%Lg %d\\n\", (long double)1.5, 33) < 0; }\n";
    write(&directory, "main.c", text);
    let program = Program::build(&directory, "main", &[&directory.join("main.c")], &[]);
    for on in [On::X86, On::Arm] {
        let run = program.run(on, &[]);
        assert_eq!((run.status, run.out.as_str()), (Some(0), "1.5 33\n"));
    }
}

#[test]
fn small_constants_have_one_address() {
    let directory = directory("constants");
    let text = "#include <stdio.h>\nconst int signals[] = {14, 1, 2, 0};\n\
        __attribute__((noinline)) static int sum(void) { int s = 0; for (int i = 0; signals[i]; i++) s = 3 * s + signals[i]; return s; }\n\
        __attribute__((noinline)) static const char *unit(int v) { static const char string[4][4] = {\"B\", \"KiB\", \"MiB\"}; \
        int n = 0; while (v > 9 && n < 2) v /= 10, n++; return string[n]; }\n\
        int main(int c, char **v) { printf(\"%d %s\\n\", sum(), unit(c * 50)); return !v; }\n";
    write(&directory, "main.c", text);
    let program = Program::build(&directory, "main", &[&directory.join("main.c")], &[]);
    for on in [On::X86, On::Arm] {
        assert_eq!(program.run(on, &[("INPLACE", "1")]).out, "131 KiB\n");
    }
}

#[test]
fn a_poll_has_the_address_of_its_word_in_the_comparison() {
    let directory = directory("polls");
    let text = "int main(int n, char **v) { unsigned s = n; while (s != 1) s = s % 2 ? 3 * s + 1 : s / 2; return v == 0; }\n";
    write(&directory, "p.c", text);
    Program::build(&directory, "p", &[&directory.join("p.c")], &["-O2"]);
    let bytes = std::fs::read(directory.join("p")).unwrap();
    let object = object::File::parse(&*bytes).unwrap();
    let indicator = object.symbols().find(|s| s.name() == Ok("__rtx_indicator"));
    let indicator = indicator.expect("the runtime has it").address();
    let polls = |section: object::Section| {
        let (begin, code) = (section.address(), section.data().unwrap());
        // cmpl $0, DISTANCE(%rip): two bytes, the distance from the instruction's end, the number.
        let compares = |(at, bytes): (usize, &[u8])| {
            let distance = i32::from_le_bytes(bytes[2..6].try_into().unwrap());
            let end = begin + at as u64 + 7;
            bytes[..2] == [0x83, 0x3d]
                && bytes[6] == 0
                && end.wrapping_add_signed(distance.into()) == indicator
        };
        code.windows(7).enumerate().filter(|w| compares(*w)).count()
    };
    let code = object
        .sections()
        .filter(|s| s.kind() == object::SectionKind::Text);
    // At the entry and in the loop.
    assert!(code.map(polls).sum::<usize>() >= 2);
}

#[test]
fn objects_of_other_compilers_confine_a_program_to_x86_64() {
    let directory = directory("foreign");
    write(
        &directory,
        "main.c",
        "int answer(void); int main(void) { return answer() - 42; }\n",
    );
    write(
        &directory,
        "answer.s",
        ".globl answer\nanswer: movl $42, %eax\n ret\n.section .note.GNU-stack,\"\",@progbits\n",
    );
    let app = directory.join("app");
    let sources = [directory.join("main.c"), directory.join("answer.s")];
    let said = complaint(rtx_cc().arg("-o").arg(&app).args(&sources));
    assert!(
        said.contains("no file for aarch64 is written") && said.contains("[-Wrtx-x86-only]"),
        "{said}"
    );
    succeed(&mut Command::new(&app));
    assert!(!app.with_file_name("app.aarch64").exists());
}

#[test]
fn both_files_have_the_lines_of_functions_and_of_clones() {
    let directory = directory("lines");
    write(
        &directory,
        "lines.c",
        "int busy(int n) {\n  int s = 0;\n  for (int i = 0; i < n; i++)\n    s += i & n ? busy(i / 2) : 1;\n  return s;\n}\nint main(int c, char **v) {\n  return busy(c + 9) == 0 && v;\n}\n",
    );
    let program = Program::build(&directory, "lines", &[&directory.join("lines.c")], &["-g"]);
    for file in [
        program.path().to_owned(),
        program.path().with_file_name("lines.aarch64"),
    ] {
        let bytes = std::fs::read(&file).unwrap();
        let object = object::File::parse(&*bytes).unwrap();
        for name in ["busy", "busy.rtx.resume", "__rtx_user_main"] {
            let symbol = object
                .symbol_by_name(name)
                .unwrap_or_else(|| panic!("{name} in {file:?}"));
            let lines = lines_of(
                &object,
                object::ObjectSymbol::address(&symbol),
                object::ObjectSymbol::size(&symbol),
            );
            assert!(
                lines
                    .iter()
                    .any(|(f, line)| f == "lines.c" && (1..=9).contains(line)),
                "{name}: {lines:?}"
            );
        }
    }
}

/// The files and lines of a range of code.
fn lines_of(object: &object::File, begin: u64, size: u64) -> Vec<(String, u64)> {
    let load = |id: gimli::SectionId| -> Result<gimli::EndianSlice<'_, gimli::LittleEndian>, gimli::Error> {
        let data = object.section_by_name(id.name()).and_then(|s| s.data().ok()).unwrap_or_default();
        Ok(gimli::EndianSlice::new(data, gimli::LittleEndian))
    };
    let dwarf = gimli::Dwarf::load(load).unwrap();
    let (mut list, mut units) = (Vec::new(), dwarf.units());
    while let Some(header) = units.next().unwrap() {
        let unit = dwarf.unit(header).unwrap();
        let Some(program) = unit.line_program.clone() else {
            continue;
        };
        let mut rows = program.rows();
        while let Some((header, row)) = rows.next_row().unwrap() {
            if !(begin..begin + size).contains(&row.address()) {
                continue;
            }
            let Some(file) = row.file(header) else {
                continue;
            };
            let name = dwarf
                .attr_string(&unit, file.path_name())
                .unwrap()
                .to_string_lossy()
                .into_owned();
            let name = name.rsplit('/').next().unwrap_or_default().to_owned();
            list.push((name, row.line().map_or(0, std::num::NonZero::get)));
        }
    }
    list
}

#[test]
fn inspect_tells_points_reasons_and_agreement() {
    let directory = directory("inspect");
    write(
        &directory,
        "a.c",
        "int f(int n) { int a[n]; a[0] = n; return a[n / 2]; }\nint main(int c, char **v) { int s = 0; for (int i = 0; i < c + 9; i++) s += f(i + 1); return s == 0 && v; }\n",
    );
    let program = Program::build(&directory, "a", &[&directory.join("a.c")], &[]);
    let inspect = |path: &Path| rtx_cc().arg("inspect").arg(path).output().unwrap();
    let said = String::from_utf8(inspect(program.path()).stdout).unwrap();
    for part in [
        "built by rtx-cc for x86_64, ABI 1",
        "for aarch64, the same build",
        " 0 differ",
        "__rtx_user_main: ",
        "a.c:2:",
        "f: takes stack memory of variable size",
    ] {
        assert!(said.contains(part), "no '{part}' in: {said}");
    }
    // A file of another build beside it is refused.
    write(&directory, "a.c", "int main(void) { return 0; }\n");
    let other = Program::build(&directory, "other", &[&directory.join("a.c")], &[]);
    std::fs::copy(
        other.path().with_file_name("other.aarch64"),
        directory.join("a.aarch64"),
    )
    .unwrap();
    let wrong = inspect(program.path());
    assert!(
        !wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("another build")
    );
}

#[test]
fn inspect_knows_programs_of_other_compilers() {
    let directory = directory("origin");
    write(
        &directory,
        "popcorn.c",
        "int __indicator; void check_migrate(void) {}\n__attribute__((section(\".stack_transform.unwind\"))) int u = 1;\nint main(void) { return 0; }\n",
    );
    write(&directory, "plain.c", "int main(void) { return 0; }\n");
    for (name, part) in [
        (
            "popcorn",
            "Popcorn Linux or HetMigrate (.stack_transform.unwind, __indicator, check_migrate)",
        ),
        ("plain", "another compiler"),
    ] {
        let path = directory.join(name);
        succeed(
            Command::new("gcc")
                .arg("-o")
                .arg(&path)
                .arg(directory.join(format!("{name}.c"))),
        );
        let said = String::from_utf8(succeed(rtx_cc().arg("inspect").arg(&path)).stdout).unwrap();
        assert!(said.contains(part), "{said}");
    }
}
