//! The same program natively and under `rtx-run`: nobody may see a difference.

use crate::{Guest, Outcome, Report, Run};

/// What a guest does natively; it must succeed.
#[track_caller]
pub fn natively(guest: &Guest, args: &[&str]) -> Outcome {
    let native = Run::native(guest.path())
        .args(args.iter().copied())
        .finish();
    native.succeeded();
    native
}

/// Fails unless a run does what the native one did; returns its report.
#[track_caller]
pub fn unnoticed(native: &Outcome, run: Run) -> Report {
    let outcome = run.finish();
    same(native, &outcome);
    outcome.report()
}

/// Fails unless both runs ended alike and wrote the same, byte by byte.
#[track_caller]
pub fn same(native: &Outcome, other: &Outcome) {
    assert_eq!(
        native.status(),
        other.status(),
        "native\n{native}\nother\n{other}"
    );
    for (stream, expected, found) in [
        ("stdout", &native.stdout, &other.stdout),
        ("stderr", &native.stderr, &other.stderr),
    ] {
        if let Some(at) = difference(expected, found) {
            panic!("{stream} differs from byte {at} on\nnative\n{native}\nother\n{other}");
        }
    }
}

/// The first byte in which two outputs differ.
fn difference(one: &[u8], two: &[u8]) -> Option<usize> {
    let common = one.iter().zip(two).take_while(|(a, b)| a == b).count();
    (common < one.len().max(two.len())).then_some(common)
}

/// A run that is done natively, supervised and offloaded.
pub struct Everywhere {
    /// Natively.
    pub native: Outcome,
    /// With `--policy never`.
    pub never: Outcome,
    /// With `--policy static --boards local:2`, and a report.
    pub offloaded: Outcome,
}

/// Runs a program natively and under `rtx-run`, each time arranged in the same way, and fails if
/// the runs differ.
#[track_caller]
pub fn everywhere(
    program: impl AsRef<std::ffi::OsStr>,
    arrange: impl Fn(Run) -> Run,
) -> Everywhere {
    let native = arrange(Run::native(&program)).finish();
    let never = arrange(Run::never(&program)).finish();
    same(&native, &never);
    let offloaded = arrange(Run::offloaded(&program)).report().finish();
    same(&native, &offloaded);
    Everywhere {
        native,
        never,
        offloaded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo(text: &str) -> Outcome {
        Run::native("/bin/echo").args([text]).finish()
    }

    #[test]
    fn equal_runs_are_the_same() {
        same(&echo("x"), &echo("x"));
    }

    #[test]
    #[should_panic(expected = "stdout differs from byte 1 on")]
    fn different_output_is_told() {
        same(&echo("xy"), &echo("xz"));
    }

    #[test]
    fn a_shorter_output_differs_at_its_end() {
        assert_eq!(difference(b"ab", b"ab"), None);
        assert_eq!(difference(b"ab", b"abc"), Some(2));
        assert_eq!(difference(b"", b"a"), Some(0));
    }
}
