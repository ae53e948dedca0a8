//! One address space, wherever its threads are.

use rtx_tests::Guest;
use rtx_tests::compare::everywhere;

#[test]
fn blocks_are_allocated_here_and_freed_there() {
    everywhere(Guest::test("mallocs").path(), |run| run)
        .native
        .succeeded();
}

#[test]
fn changes_of_the_map_are_seen_everywhere() {
    everywhere(Guest::test("maps").path(), |run| run)
        .native
        .succeeded();
}

#[test]
fn stacks_are_shared() {
    let guest = Guest::example("stackshare");
    let arguments = ["--threads", "8", "--size", "20", "--work", "1000"];
    everywhere(guest.path(), |run| run.args(arguments))
        .native
        .succeeded();
}
