//! Conformance programs built by rtx-cc. Home is this machine, their threads are on the emulated one.

use std::time::Duration;

use rtx_tests::arm64::Machine;
use rtx_tests::checkout;
use rtx_tests::conformance::judge::judge;
use rtx_tests::conformance::mode::Mode;
use rtx_tests::conformance::program::Program;
use rtx_tests::conformance::way::Way;

use crate::programs::announce;

/// Some of each area that take a second or two there. `make conformance-rtx-cc BOARDS=...` runs all.
const PROGRAMS: &str = include_str!("conformance.txt");

/// The machine is slow.
const LIMIT: Duration = Duration::from_secs(300);

#[test]
fn conformance_programs_notice_nothing_on_arm64() {
    let way = Way {
        rtx_cc: true,
        boards: Some(Machine::shared().board().to_owned()),
        insecure: true,
    };
    let root = checkout::root().join("tests/conformance");
    let all = Program::all(&root).expect("they say what they must");
    let names = PROGRAMS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut wrong = Vec::new();
    for name in names {
        let program = all.iter().find(|program| program.path() == name);
        let mut program = program
            .unwrap_or_else(|| panic!("no program {name}"))
            .clone();
        program.claims.takes = Some(LIMIT);
        announce(&format!("{name}, built by rtx-cc, home on x86_64"));
        let verdicts = Machine::shared().in_network(|| judge(&program, &[Mode::Static], &way));
        wrong.extend(
            verdicts
                .into_iter()
                .filter_map(Result::err)
                .map(|what| format!("{name}: {what}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
