//! The machine itself, and what `rtx check` says of it.

use rtx_tests::arm64::Machine;

#[test]
fn it_can_run_rtx() {
    let check = Machine::shared().run(["rtx", "check"]);
    check.succeeded();
    let text = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(text.contains("This machine can run rtx."), "{check}");
    assert!(text.contains("aarch64"), "{check}");
}

#[test]
fn unit_tests_pass_there() {
    for binary in rtx_tests::arm64::unit_tests() {
        let machine = Machine::shared();
        crate::programs::announce(&binary.display().to_string());
        let there = std::path::Path::new("/tmp/unit-tests");
        machine.put(there, 0o755, &rtx_tests::arm64::stripped(&binary));
        machine.run([there.display()]).succeeded();
    }
}
