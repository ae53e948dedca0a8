//! Boards on the same machine are real boards: what they have of the program came over the socket.

use std::collections::BTreeSet;
use std::time::Duration;

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
    std::thread::sleep(Duration::from_secs(1));

    let all = running.processes();
    let guest_process = running.guest(guest.path());
    let home = [running.pid(), guest_process.pid];
    let boards = running.boards();
    let replicas: Vec<&Process> = all
        .iter()
        .filter(|process| boards.iter().any(|board| process.parent == board.pid))
        .collect();
    assert_eq!(boards.len(), 2, "{all:?}");
    assert!(replicas.len() >= 2, "no replica for each board in {all:?}");
    // A replica has its threads in it: at least one of the four, and mostly two.
    assert!(
        replicas.iter().any(|replica| replica.threads().len() >= 2),
        "{replicas:?}"
    );

    let home: BTreeSet<String> = all
        .iter()
        .filter(|process| home.contains(&process.pid))
        .flat_map(shared_objects)
        .collect();
    for process in all.iter().filter(|process| process.pid != running.pid()) {
        if process.pid == guest_process.pid {
            continue;
        }
        let common: Vec<String> = shared_objects(process)
            .intersection(&home)
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

/// A replica has no way to anything but its board: no network, no files.
#[test]
fn a_replica_has_no_sockets_of_home() {
    let guest = Guest::test("rounds");
    let mut running = Run::offloaded(guest.path())
        .args(["2"])
        .open_input()
        .start();
    running.wait_for_output("ready");
    std::thread::sleep(Duration::from_secs(1));
    let boards: Vec<i32> = running.boards().iter().map(|board| board.pid).collect();
    for process in running.processes() {
        if !boards.contains(&process.parent) {
            continue;
        }
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
