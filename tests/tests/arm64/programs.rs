//! Examples, guests of the end-to-end tests and conformance programs, in all ways.

use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use rtx_tests::arm64::Machine;
use rtx_tests::conformance::program::Program;
use rtx_tests::{checkout, guest};

use crate::ways::same;

const ARCH: &str = "aarch64";

/// Runs that are short even there.
pub const EXAMPLES: [(&str, &[&str]); 10] = [
    ("matmul", &["--threads", "2", "--size", "64"]),
    ("blackscholes", &["--threads", "2", "--size", "256"]),
    ("textsearch", &["--threads", "2", "--size", "64"]),
    (
        "multiwriter",
        &["--threads", "2", "--size", "20", "--work", "100"],
    ),
    ("multireader", &["--threads", "2", "--size", "50"]),
    (
        "singlewriter",
        &["--threads", "2", "--size", "20", "--work", "100"],
    ),
    ("pipeline", &["--threads", "2", "--size", "5"]),
    (
        "stencil",
        &["--threads", "2", "--size", "32", "--sweeps", "3"],
    ),
    (
        "stackshare",
        &["--threads", "2", "--size", "3", "--work", "1000"],
    ),
    ("printer", &["--threads", "2", "--size", "1"]),
];

#[test]
fn examples_print_the_same_and_compute_on_boards() {
    let sources = checkout::root().join("examples");
    let sources = EXAMPLES.map(|(name, _)| sources.join(format!("{name}.c")));
    let built = guest::build_for(ARCH, "guest", &sources);
    for (name, args) in EXAMPLES {
        announce(name);
        let report = same(&built.join(name), args);
        let boards = &report.boards;
        assert!(boards.iter().all(|board| board.isa == ARCH), "{boards:?}");
        let threads = report.children();
        assert!(!threads.is_empty(), "{name}: {report:?}");
        assert!(
            threads.iter().all(|t| t.offloads > 0),
            "{name}: {threads:?}"
        );
        assert!(
            threads.iter().any(|t| t.board_s > 0.0),
            "{name}: {threads:?}"
        );
    }
}

fn tests() -> &'static PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| guest::build_for(ARCH, "guest-tests", &guest::sources()))
}

macro_rules! guests {
    ($($name:ident: $($args:expr),*;)*) => {
        $(
            #[test]
            fn $name() {
                announce(stringify!($name));
                same(&tests().join(stringify!($name)), &[$($args),*]);
            }
        )*
    };
}

guests! {
    born_forking: ;
    drops: ;
    exits: "thread-exit", "3";
    file_after_file: ;
    forks: ;
    futexes: "4", "10";
    maps: ;
    threads: "4";
    trap: ;
}

/// Straight to the terminal: the test harness would keep it back.
pub fn announce(text: &str) {
    let _ = writeln!(std::io::stderr(), "arm64: {text}");
}

/// Programs of tests/conformance that are short enough there. The others take minutes each, or measure
/// time.
const CONFORMANCE: &str = include_str!("conformance.txt");

/// The machine is slow, and so are its threads to begin.
const PATIENT: [(&str, &str); 4] = [
    ("RTX_BIN_DIR", "/bin"),
    ("RTX_GUESTS_BUILT", "1"),
    ("RTX_TEST_PATIENCE", "20"),
    ("CONFORM_SETTLE_MS", "300"),
];

#[test]
fn conformance_programs_notice_nothing() {
    let machine = Machine::shared();
    let root = checkout::root().join("tests/conformance");
    let mut programs = Program::all(&root).expect("they say what they must");
    let names = CONFORMANCE
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    for name in names {
        let at = programs.iter().position(|program| program.path() == name);
        let program = programs.swap_remove(at.unwrap_or_else(|| panic!("no program {name}")));
        let kind = format!("conformance/{}", program.area);
        let built = guest::build_for(ARCH, &kind, std::slice::from_ref(&program.source));
        machine.copy(&program.source);
        machine.copy(&built.join(&program.name));
        announce(name);
        let run = ["rtx-conformance", "--jobs", "1", "--seeds", "1", name];
        let limit = Duration::from_secs(1800);
        machine.run_with(run, &PATIENT, limit).succeeded();
    }
}
