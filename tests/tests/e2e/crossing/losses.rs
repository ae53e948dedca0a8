//! A board is lost while a thread of it runs a handler at home: the job does not go on without the thread.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rtx_tests::Status;

use super::{crossing_to, guest};

#[test]
fn a_board_is_killed_while_a_handler_of_its_thread_runs() {
    let guest = guest("interrupted");
    for what in ["computes", "waits"] {
        let running = crossing_to(&guest, "static", "local:1", &[what]).start();
        running.wait_for_output("in the handler");
        let boards = running.boards();
        assert_eq!(boards.len(), 1, "{:?}", running.processes());
        kill(Pid::from_raw(boards[0].pid), Signal::SIGKILL).expect("it runs");
        let outcome = running.finish();
        outcome.ended_with(Status::Exited(75));
        let line = outcome.one_line_on_stderr();
        assert!(line.contains("board") && line.contains("thread"), "{line}");
    }
}
