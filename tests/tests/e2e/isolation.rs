//! Boards on the same machine are real boards: what they have of the program came over the socket.

use std::collections::BTreeSet;

use rtx_tests::procfs::Process;
use rtx_tests::{Guest, Run};

/// The objects that a process shares with whoever else maps them, for writing or from a writer.
fn shared_objects(process: &Process) -> BTreeSet<String> {
    let mappings = process.mappings().into_iter();
    let shared = mappings.filter(|mapping| mapping.shared);
    shared.map(|mapping| mapping.object).collect()
}

#[test]
fn no_memory_is_shared_with_home() {
    let guest = Guest::test("rounds");
    let mut running = Run::offloaded(guest.path())
        .report()
        .args(["4"])
        .open_input()
        .start();
    running.wait_for_output("ready");
    running.wait_for_threads_on_boards(4);

    let boards = running.boards();
    let replicas = running.replicas(&boards);
    assert_eq!(boards.len(), 2, "{:?}", running.processes());
    assert!(
        replicas.len() >= 2,
        "no replica for each board in {:?}",
        running.processes()
    );
    assert!(
        replicas.iter().any(|replica| replica.threads().len() >= 2),
        "{replicas:?}"
    );

    let rtx_run = Process::find(running.pid()).expect("it runs");
    let home = [rtx_run, running.guest(guest.path())];
    let at_home: BTreeSet<String> = home.iter().flat_map(shared_objects).collect();
    for process in boards.iter().chain(&replicas) {
        let common: Vec<String> = shared_objects(process)
            .intersection(&at_home)
            .cloned()
            .collect();
        assert!(common.is_empty(), "{process:?} shares {common:?} with home");
    }

    running.close_input();
    let outcome = running.finish();
    let pages = outcome.succeeded().report().pages;
    assert!(pages.bytes > 0 && pages.read + pages.write > 0, "{pages:?}");
}

/// What the threads computed on must have crossed the wire: matmul reads two matrices there.
#[test]
fn the_data_crosses_the_wire() {
    const MATRIX: u64 = 256 * 256 * 8;
    let run = Run::offloaded(Guest::example("matmul").path()).report();
    let report = run
        .args(["--threads", "4", "--size", "256"])
        .finish()
        .report();
    assert!(report.pages.bytes > MATRIX, "{:?}", report.pages);
}

/// A replica has no way to anything but its board: no files.
#[test]
fn a_replica_has_no_files_of_home() {
    let guest = Guest::test("rounds");
    let mut running = Run::offloaded(guest.path())
        .args(["2"])
        .open_input()
        .start();
    running.wait_for_output("ready");
    running.wait_for_threads_on_boards(2);
    let replicas = running.replicas(&running.boards());
    assert!(!replicas.is_empty(), "{:?}", running.processes());
    for process in replicas {
        for fd in process.open_files() {
            let link = std::fs::read_link(format!("/proc/{}/fd/{fd}", process.pid));
            let target = link
                .map(|link| link.display().to_string())
                .unwrap_or_default();
            assert!(
                !target.starts_with('/') || target.starts_with("/dev/null"),
                "{process:?}: {target}"
            );
        }
    }
    running.close_input();
    running.finish().succeeded();
}
