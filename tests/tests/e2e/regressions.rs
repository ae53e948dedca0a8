//! What once went wrong.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rtx_tests::compare::everywhere;
use rtx_tests::{Guest, Run, Status};

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

/// A board mapped memory, and before it was watched an access that minds no protection filled it with zeros.
#[test]
fn who_looks_at_a_replicas_memory_changes_nothing() {
    let guest = Guest::test("touched_late");
    let mut running = Run::offloaded(guest.path()).open_input().start();
    running.wait_for_threads_on_boards(1);
    let replicas = running.replicas(&running.boards());
    let open = |pid: i32| File::open(format!("/proc/{pid}/mem")).expect("it runs");
    let memories: Vec<File> = replicas.iter().map(|replica| open(replica.pid)).collect();
    let done = AtomicBool::new(false);
    let outcome = thread::scope(|scope| {
        scope.spawn(|| {
            let mut byte = [0];
            while !done.load(Ordering::Relaxed) {
                for (memory, at) in memories.iter().flat_map(|m| (0..1000).map(move |i| (m, i))) {
                    // Nothing is there yet, or the replica is gone.
                    let _ = memory.read_at(&mut byte, 0x3000_0000 + at * 0x1_0000);
                }
            }
        });
        running.write("x");
        let outcome = running.finish();
        done.store(true, Ordering::Relaxed);
        outcome
    });
    assert_eq!(outcome.succeeded().stdout(), "1000 mappings seen\n");
}
