//! What pthreads promise, on boards as at home.

use rtx_tests::Guest;
use rtx_tests::compare::everywhere;

#[test]
fn results_destructors_cancellation_and_the_rest() {
    let runs = everywhere(Guest::test("threads").path(), |run| run);
    runs.native.succeeded();
}

#[test]
fn sixty_four_threads() {
    let runs = everywhere(Guest::test("threads").path(), |run| run.args(["64"]));
    assert!(runs.native.succeeded().stdout().starts_with("64 threads "));
}

#[test]
fn contended_locks_lose_no_update() {
    let runs = everywhere(Guest::test("futexes").path(), |run| run);
    assert!(
        runs.native
            .succeeded()
            .stdout()
            .starts_with("1600 times locked")
    );
}

#[test]
fn many_threads_contend() {
    let runs = everywhere(Guest::test("futexes").path(), |run| run.args(["16", "100"]));
    runs.native.succeeded();
}
