//! Home is this machine. One board is too, the other is the emulated one.

use rtx_tests::arm64::Machine;
use rtx_tests::compare::{natively, unnoticed};
use rtx_tests::{Agent, Guest, Run, Status};

use super::{ENOUGH, examples, on_both, others};
use crate::programs::announce;

/// Rounds over all examples after which a test gives up.
const ROUNDS: u64 = 40;

/// Runs of some seconds, in which threads cross often.
const LONG: [(&str, &[&str]); 3] = [
    ("matmul", &["--threads", "4", "--size", "640"]),
    ("textsearch", &["--threads", "4", "--size", "16384"]),
    ("blackscholes", &["--threads", "4", "--size", "16384"]),
];

/// The boards: one of this machine, the emulated one.
struct Boards {
    near: Agent,
    both: String,
}

impl Boards {
    /// In the machine's network; they end with the thread that starts them.
    fn start() -> Self {
        let near = Agent::launch("near", "10.77.0.1:7070", |run| run.args(["--insecure"]));
        let both = format!("{},{}", near.address(), Machine::shared().board());
        Self { near, both }
    }

    fn run(&self, guest: &Guest, policy: &str, args: &[&str]) -> Run {
        Run::supervised(guest.path())
            .flags(["--insecure", "--policy", policy, "--boards", &self.both])
            .args(args.iter().copied())
            .report()
    }
}

#[test]
fn programs_notice_nothing_when_their_threads_compute_on_arm64() {
    let machine = Machine::shared();
    machine.board();
    machine.in_network(|| {
        let boards = Boards::start();
        let mut reports = Vec::new();
        for (guest, args) in examples().chain(others()) {
            let name = guest.path().file_name().expect("a name").display();
            announce(&format!("{name}, home on x86_64"));
            let native = natively(&guest, args);
            for policy in ["static", "shuffle:1"] {
                reports.push(unnoticed(&native, boards.run(&guest, policy, args)));
            }
        }
        on_both(&reports);
        boards.near.stop();
    });
}

#[test]
fn threads_cross_a_thousand_times() {
    Machine::shared().board();
    let programs = LONG.map(|(name, args)| {
        let guest = Guest::rtx_example(name);
        let native = natively(&guest, args);
        (guest, native, args)
    });
    Machine::shared().in_network(|| {
        let boards = Boards::start();
        let mut crossings = 0;
        for seed in 1..=ROUNDS {
            for (guest, native, args) in &programs {
                let policy = format!("shuffle:{seed}");
                crossings += unnoticed(native, boards.run(guest, &policy, args)).crossings;
            }
            announce(&format!("{crossings} moves between instruction sets"));
            if crossings >= ENOUGH {
                boards.near.stop();
                return;
            }
        }
        panic!("threads crossed only {crossings} times in {ROUNDS} rounds");
    });
}

#[test]
fn what_cannot_go_on_there_ends_the_job_with_a_message() {
    let guest = Guest::rtx("tests/guests/crossing/beyond.c");
    let machine = Machine::shared();
    let board = machine.board().to_owned();
    machine.in_network(|| {
        for (what, message) in [
            (
                "code",
                "that the program made at run time, on a board of another instruction set",
            ),
            (
                "memory",
                "on a board of another instruction set, which boards cannot have",
            ),
        ] {
            announce(&format!("beyond {what}"));
            assert_eq!(natively(&guest, &[what]).succeeded().stdout(), "42\n");
            let run = Run::supervised(guest.path()).args([what]);
            let run = run.flags(["--insecure", "--policy", "static", "--boards", &board]);
            let outcome = run.start().finish();
            outcome.ended_with(Status::Exited(125));
            let line = outcome.one_line_on_stderr();
            assert!(line.contains(message), "{line}");
            assert!(line.contains("leave such boards out"), "{line}");
            assert_eq!(outcome.stdout(), "");
        }
    });
}
