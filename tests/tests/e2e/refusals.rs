//! What `rtx-run` refuses: with a status of its own, in one line that says what to do, and before
//! anything of the program has run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rtx_tests::agent::free_port;
use rtx_tests::scratch::Scratch;
use rtx_tests::{Guest, Run, Status};

/// Checks the refusal: status, nothing on stdout, one line with all of these words.
#[track_caller]
fn refused(run: Run, status: i32, words: &[&str]) {
    let outcome = run.finish();
    outcome.ended_with(Status::Exited(status));
    assert_eq!(outcome.stdout(), "", "something has run\n{outcome}");
    let line = outcome.one_line_on_stderr();
    assert!(line.starts_with("rtx-run: "), "{line}");
    for word in words {
        assert!(line.contains(word), "no \"{word}\" in: {line}");
    }
}

fn offloaded_guest() -> Run {
    Run::offloaded(Guest::test("exits").path()).args(["return", "0"])
}

fn guest_with(flags: &[&str]) -> Run {
    let run = Run::supervised(Guest::test("exits").path()).args(["return", "0"]);
    run.flags(flags.iter().copied())
}

fn file(scratch: &Scratch, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
    let path = scratch.path(name);
    fs::write(&path, content).expect("written");
    fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("mode set");
    path
}

#[test]
fn a_missing_program() {
    refused(
        Run::supervised("/no/such/program"),
        127,
        &["/no/such/program", "no such file"],
    );
    refused(
        Run::supervised("no-such-program"),
        127,
        &["no-such-program", "PATH"],
    );
}

#[test]
fn a_file_that_is_not_executable() {
    let scratch = Scratch::new();
    let path = file(&scratch, "app", "x", 0o644);
    refused(
        Run::supervised(&path),
        126,
        &["execute permission", "chmod +x"],
    );
    refused(Run::supervised(scratch.work()), 126, &["directory"]);
}

#[test]
fn a_script() {
    let scratch = Scratch::new();
    let path = file(&scratch, "sh-script", "#!/bin/sh\necho ran\n", 0o755);
    refused(
        Run::supervised(&path),
        126,
        &["sh-script", "script", "/bin/sh"],
    );
}

#[test]
fn a_file_that_is_no_program() {
    let scratch = Scratch::new();
    let path = file(&scratch, "text", "just text\n", 0o755);
    refused(Run::supervised(&path), 126, &["not an ELF"]);
}

#[test]
fn a_dynamically_linked_program() {
    refused(
        Run::supervised("/bin/true"),
        126,
        &["/bin/true", "dynamically linked", "static"],
    );
}

#[test]
fn a_program_for_another_machine() {
    /// Where an ELF header has the machine, and one that nobody tests on.
    const MACHINE: usize = 18;
    const RISC_V: u8 = 243;
    let scratch = Scratch::new();
    let mut program = fs::read(Guest::test("exits").path()).expect("read");
    program[MACHINE] = RISC_V;
    program[MACHINE + 1] = 0;
    let path = file(&scratch, "foreign", program, 0o755);
    refused(Run::supervised(&path), 126, &["RISC-V"]);
}

#[test]
fn an_unknown_policy() {
    let words = [
        "unknown policy",
        "\"fastest\"",
        "congestion",
        "never",
        "static",
    ];
    refused(guest_with(&["--policy", "fastest"]), 125, &words);
}

#[test]
fn a_wrong_list_of_boards() {
    refused(
        guest_with(&["--boards", "local:0"]),
        125,
        &["local boards", "local:N"],
    );
    refused(
        guest_with(&["--boards", "somewhere"]),
        125,
        &["no port", "HOST:PORT"],
    );
}

#[test]
fn a_board_that_nobody_runs() {
    let address = format!("127.0.0.1:{}", free_port());
    let run = guest_with(&["--policy", "static", "--boards", &address]);
    refused(run, 125, &[&address, "rtx-board"]);
}

#[test]
fn a_board_that_is_something_else() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        use std::io::Write;
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let run = guest_with(&["--policy", "static", "--boards", &address]);
    refused(run, 125, &[&address]);
}

#[test]
fn a_board_elsewhere_without_insecure() {
    // An address for documentation: nobody is there.
    let run = guest_with(&["--policy", "static", "--boards", "192.0.2.1:7100"]);
    refused(run, 125, &["192.0.2.1:7100", "--insecure"]);
}

#[test]
fn mistakes_in_the_configuration() {
    let cases = [
        (
            "\npolicy = \"static\"\nbords = \"local:2\"\n",
            ":3: ",
            "bords",
        ),
        ("summary = true\npolicy = 7\n", ":2: ", "policy"),
        ("policy = \"static\nboards = 1\n", ":1: ", "TOML"),
        ("policy = \"fastest\"\n", ":1: ", "unknown policy"),
    ];
    for (text, line, word) in cases {
        let scratch = Scratch::new();
        let path = file(&scratch, "rtx.toml", text, 0o644);
        let place = format!("{}{line}", path.display());
        let run = offloaded_guest_without_flags().flags(["--config".into(), path.into_os_string()]);
        refused(run, 125, &[&place, word]);
    }
}

fn offloaded_guest_without_flags() -> Run {
    guest_with(&[])
}

#[test]
fn a_missing_configuration() {
    refused(
        guest_with(&["--config", "/no/such.toml"]),
        125,
        &["/no/such.toml"],
    );
}

#[test]
fn wrong_flags() {
    refused(
        guest_with(&["--polcy", "static"]),
        125,
        &["--polcy", "--policy"],
    );
    refused(Run::supervised("").flags(["--pid", "0"]), 125, &["--pid"]);
}

#[test]
fn a_report_that_cannot_be_written() {
    let run = offloaded_guest().flags(["--report", "/no/such/directory/r.json"]);
    refused(run, 125, &["/no/such/directory/r.json"]);
}

/// What lets somebody without privileges use userfaultfd for faults in the kernel.
fn userfaultfd_is_open_to_all() -> bool {
    let knob = fs::read_to_string("/proc/sys/vm/unprivileged_userfaultfd").unwrap_or_default();
    let device = fs::metadata("/dev/userfaultfd").map(|device| device.permissions().mode());
    knob.trim() == "1" || device.is_ok_and(|mode| mode & 0o006 == 0o006)
}

#[test]
fn a_user_who_may_not_use_userfaultfd() {
    const NOBODY: u32 = 65534;
    if !nix::unistd::geteuid().is_root() {
        return; // Becoming somebody without privileges takes privileges.
    }
    // The checkout may lie where only its owner can go.
    let scratch = Scratch::new();
    for directory in ["work", "tmp"] {
        fs::set_permissions(scratch.path(directory), PermissionsExt::from_mode(0o777))
            .expect("set");
    }
    let copy = |from: &Path, name: &str| {
        let to = scratch.path(name);
        fs::copy(from, &to).expect("copied");
        to
    };
    let guest = copy(Guest::example("matmul").path(), "matmul");
    copy(&rtx_tests::checkout::binary("rtx-board"), "rtx-board");
    let rtx_run = copy(&rtx_tests::checkout::binary("rtx-run"), "rtx-run");
    let run = Run::native(rtx_run)
        .args(["--policy", "static", "--boards", "local:2", "--"])
        .args([guest.as_os_str()])
        .directory(scratch.work())
        .variable("TMPDIR", scratch.tmp())
        .before_exec(|| {
            nix::unistd::setgroups(&[])?;
            nix::unistd::setgid(NOBODY.into())?;
            nix::unistd::setuid(NOBODY.into())?;
            Ok(())
        });
    match userfaultfd_is_open_to_all() {
        true => drop(run.finish().succeeded()),
        false => refused(run, 125, &["userfaultfd", "vm.unprivileged_userfaultfd"]),
    }
}
