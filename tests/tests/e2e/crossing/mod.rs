//! Programs of rtx-cc do the same while their threads change place at equivalence points, as between two
//! instruction sets. The boards are of this machine's: all but the instructions is as on others
//! (`only_at_points`). `tests/tests/arm64/crossing` has real ones.

mod examples;
mod leaving;
mod losses;
mod signals;

use rtx_tests::{Guest, Run};

/// Makes boards of this machine's instruction set such that threads reach and leave them at points only.
const ONLY_AT_POINTS: &str = "RTX_ONLY_AT_POINTS";

/// One of `tests/guests/crossing/*.c`.
fn guest(name: &str) -> Guest {
    Guest::rtx(&format!("tests/guests/crossing/{name}.c"))
}

/// Under a policy, with threads that move at equivalence points only.
fn crossing(guest: &Guest, policy: &str, args: &[&str]) -> Run {
    crossing_to(guest, policy, "local:2", args)
}

/// The same, to these boards.
fn crossing_to(guest: &Guest, policy: &str, boards: &str, args: &[&str]) -> Run {
    Run::supervised(guest.path())
        .flags(["--policy", policy, "--boards", boards])
        .variable(ONLY_AT_POINTS, "true")
        .args(args.iter().copied())
        .report()
}
