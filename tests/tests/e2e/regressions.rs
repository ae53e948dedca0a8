//! What once went wrong.

use rtx_tests::compare::everywhere;
use rtx_tests::{Guest, Status};

/// A trap instruction was executed on a board and then skipped at home.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_trap_instruction_ends_the_program() {
    let runs = everywhere(Guest::test("trap").path(), |run| run);
    runs.native.ended_with(Status::Killed(libc::SIGTRAP));
}

/// A thread that existed before the first offload, but was seen after it, forked unnoticed.
#[test]
fn threads_fork_as_soon_as_they_exist() {
    for _ in 0..5 {
        everywhere(Guest::test("born_forking").path(), |run| run);
    }
}

/// Boards kept the pages of a file that home had unmapped.
#[test]
fn another_file_at_the_same_address() {
    everywhere(Guest::test("file_after_file").path(), |run| run);
}
