//! Threads really run on boards.

use rtx_tests::compare::same;
use rtx_tests::{Guest, Run};

#[test]
fn offloaded_threads_use_their_time_on_boards() {
    let guest = Guest::example("matmul");
    // Moves take the same time whatever is computed: enough of that.
    let arguments = ["--threads", "4", "--size", "1536"];
    let native = Run::native(guest.path()).args(arguments).finish();
    let offloaded = Run::offloaded(guest.path())
        .report()
        .args(arguments)
        .finish();
    same(&native, &offloaded);
    let report = offloaded.report();
    assert_eq!(report.children().len(), 4, "{report:#?}");
    for thread in report.children() {
        assert!(thread.board_part() > 0.9, "{thread:?}");
        assert!(
            thread.home_s < 0.05 * (thread.home_s + thread.board_s),
            "{thread:?}"
        );
    }
}

#[test]
fn both_boards_get_threads() {
    let guest = Guest::example("matmul");
    let run = Run::offloaded(guest.path()).report();
    let report = run
        .args(["--threads", "4", "--size", "512"])
        .finish()
        .report();
    assert_eq!(report.boards.len(), 2, "{report:#?}");
    assert!(
        report.boards.iter().all(|board| board.threads_s > 0.0),
        "{:?}",
        report.boards
    );
}

#[test]
fn the_first_thread_stays_at_home() {
    let guest = Guest::example("matmul");
    let report = Run::offloaded(guest.path()).report().finish().report();
    assert_eq!(report.threads[0].offloads, 0, "{:?}", report.threads[0]);
}

#[test]
fn never_moves_nothing() {
    let guest = Guest::example("matmul");
    let report = Run::never(guest.path()).report().finish().report();
    assert_eq!(report.offloads(), 0, "{report:#?}");
    assert_eq!(report.pages.bytes, 0, "{report:#?}");
    assert!(report.threads.iter().all(|thread| thread.board_s == 0.0));
}

#[test]
fn congestion_moves_threads_when_cores_are_short() {
    let guest = Guest::test("rounds");
    let mut run = Run::supervised(guest.path())
        .flags(["--policy", "congestion", "--boards", "local:2"])
        .report()
        .args(["8"])
        .open_input()
        .start();
    // Eight threads that compute without an end need more cores than this program may use.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    run.wait_for_output("ready");
    std::thread::sleep(std::time::Duration::from_secs(4));
    run.close_input();
    let outcome = run.finish();
    outcome.succeeded();
    if cores < 8 {
        assert!(outcome.report().offloads() > 0, "{outcome}");
    }
}
