//! The machine as a board of this one, which is not an ARM64 machine.

use rtx_tests::arm64::Machine;
use rtx_tests::{Guest, Run};

#[test]
fn a_board_of_another_instruction_set_is_refused_by_name() {
    if cfg!(target_arch = "aarch64") {
        return; // then it is no other
    }
    let board = Machine::shared().board();
    let guest = Guest::example("matmul");
    let outcome = Machine::shared().in_network(|| {
        let run = Run::supervised(guest.path()).flags([
            "--policy",
            "static",
            "--insecure",
            "--boards",
            board,
        ]);
        run.args(["--threads", "2", "--size", "64"]).finish()
    });
    let text = outcome.stderr();
    assert!(
        text.contains("board pi is an aarch64 machine and the program is for x86_64"),
        "{outcome}"
    );
    assert!(text.contains("use an x86_64 board"), "{outcome}");
    assert_ne!(outcome.status(), rtx_tests::Status::Exited(0), "{outcome}");
    assert_eq!(outcome.stdout(), "", "nothing of the program has run");
}
