//! Shows a program that starts on this machine, x86-64, and whose threads finish on ARM64: on an emulated
//! machine, which it boots. `make demo-arm64` calls it. Fails if anybody sees a difference.

use std::process::ExitCode;

use rtx_tests::arm64::Machine;
use rtx_tests::arm64::board::PORT;
use rtx_tests::{Guest, Outcome, Run};

const PROGRAMS: [(&str, &[&str]); 2] = [
    ("matmul", &["--threads", "4", "--size", "256"]),
    ("pipeline", &["--threads", "4", "--size", "50"]),
];

fn main() -> ExitCode {
    let guests = PROGRAMS.map(|(name, args)| (Guest::rtx_example(name), args));
    println!("Booting an emulated ARM64 machine.");
    let machine = Machine::shared();
    shown(&machine.run(["uname", "-srm"]).stdout);
    println!("pi$ rtx-board --listen 0.0.0.0:{PORT} --name pi --insecure");
    let board = machine.board();
    let alike = machine.in_network(|| {
        // All of them, also after a difference.
        let differing = guests
            .iter()
            .filter(|(guest, args)| !both(guest, args, board));
        differing.count() == 0
    });
    if alike {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs a program natively and with its threads on the board; whether nobody sees a difference.
fn both(guest: &Guest, args: &[&str], boards: &str) -> bool {
    let program = guest.path().strip_prefix(rtx_tests::checkout::root());
    let program = program.unwrap_or(guest.path()).display();
    let words = args.join(" ");
    println!("\n$ {program} {words}");
    let native = Run::native(guest.path())
        .args(args.iter().copied())
        .finish();
    shown(native.stdout_bytes());
    println!("$ rtx-run --policy static --boards {boards} --insecure --summary {program} {words}");
    let run = Run::supervised(guest.path())
        .flags([
            "--policy",
            "static",
            "--boards",
            boards,
            "--insecure",
            "--summary",
        ])
        .args(args.iter().copied())
        .report();
    let moved = run.finish();
    shown(moved.stdout_bytes());
    shown(moved.stderr().as_bytes());
    judge(&native, &moved)
}

fn judge(native: &Outcome, moved: &Outcome) -> bool {
    if native.status() != moved.status() || native.stdout_bytes() != moved.stdout_bytes() {
        println!("demo: the program did something else on ARM64");
        return false;
    }
    let on_arm = moved.report().isa_s.get("aarch64").copied();
    if on_arm.unwrap_or_default() <= 0.0 {
        println!("demo: no thread ran on ARM64");
        return false;
    }
    println!("The outputs are equal, byte by byte.");
    true
}

/// As a quotation.
fn shown(text: &[u8]) {
    for line in String::from_utf8_lossy(text).lines() {
        println!("    {line}");
    }
}
