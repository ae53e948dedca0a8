//! New processes: fork, exec, posix_spawn, popen, from offloaded threads too.

use rtx_tests::compare::everywhere;
use rtx_tests::{Guest, Run, Status};

#[test]
fn forks() {
    let runs = everywhere(Guest::test("forks").path(), |run| run);
    assert!(runs.native.succeeded().stdout().contains("16 forks\n"));
}

#[test]
fn main_executes_another_program() {
    let guest = Guest::test("execs");
    let runs = everywhere(guest.path(), |run| {
        run.args(["main", "/bin/echo", "executed"])
    });
    assert_eq!(runs.native.succeeded().stdout(), "executed\n");
}

#[test]
fn an_offloaded_thread_executes_another_program() {
    let guest = Guest::test("execs");
    let runs = everywhere(guest.path(), |run| {
        run.args(["thread", "/bin/sh", "-c", "echo ran; exit 4"])
    });
    assert_eq!(runs.native.ended_with(Status::Exited(4)).stdout(), "ran\n");
}

#[test]
fn an_offloaded_thread_executes_a_guest() {
    let guest = Guest::test("execs");
    let matmul = Guest::example("matmul");
    let arrange = |run: Run| run.args(["thread".into(), matmul.path().as_os_str().to_owned()]);
    everywhere(guest.path(), arrange).native.succeeded();
}

#[test]
fn an_exec_that_fails_changes_nothing() {
    let guest = Guest::test("execs");
    let runs = everywhere(guest.path(), |run| run.args(["thread", "/no/such/program"]));
    runs.native.ended_with(Status::Exited(1));
}
