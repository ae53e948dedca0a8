//! What `rtx-run` refuses: with a status of its own, in one line that says what to do, and before
//! anything of the program has run.

use std::ffi::OsStr;
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

/// rtx-run and files for somebody without privileges: the checkout may lie where only its owner can go.
struct Nobody {
    scratch: Scratch,
    rtx_run: PathBuf,
}

impl Nobody {
    /// `None`: becoming nobody takes privileges.
    fn new() -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            return None;
        }
        let scratch = Scratch::new();
        for directory in ["work", "tmp"] {
            fs::set_permissions(scratch.path(directory), PermissionsExt::from_mode(0o777))
                .expect("set");
        }
        let rtx_run = scratch.program(&rtx_tests::checkout::binary("rtx-run"), "rtx-run");
        Some(Self { scratch, rtx_run })
    }

    /// A copy of a program, which belongs to root.
    fn copy(&self, from: &Path, name: &str, mode: u32) -> PathBuf {
        file(&self.scratch, name, fs::read(from).expect("read"), mode)
    }

    /// Runs rtx-run as nobody.
    fn run(&self, args: &[&OsStr]) -> Run {
        const NOBODY: u32 = 65534;
        Run::native(&self.rtx_run)
            .args(args)
            .directory(self.scratch.work())
            .variable("TMPDIR", self.scratch.tmp())
            .before_exec(|| {
                nix::unistd::setgroups(&[])?;
                nix::unistd::setgid(NOBODY.into())?;
                nix::unistd::setuid(NOBODY.into())?;
                Ok(())
            })
    }
}

#[test]
fn programs_that_somebody_else_keeps_to_himself() {
    let Some(nobody) = Nobody::new() else {
        return;
    };
    let guest = Guest::test("exits");
    let away = nobody.scratch.path("away");
    fs::create_dir(&away).expect("created");
    fs::set_permissions(&away, PermissionsExt::from_mode(0o700)).expect("set");
    for (path, why) in [
        (
            nobody.copy(guest.path(), "not-for-you", 0o744),
            "permission to execute it is denied. Check its owner and mode, and whether its file \
             system is mounted noexec",
        ),
        (
            nobody.copy(guest.path(), "secret", 0o711),
            "it cannot be read: permission denied. Check its owner and mode",
        ),
        (
            away.join("app"),
            "permission denied. Check its owner and mode",
        ),
    ] {
        let expected = format!("cannot run '{}': {why}", path.display());
        refused(nobody.run(&[path.as_ref()]), 126, &[&expected]);
    }
    let other = Run::native(Guest::test("endless").path()).start();
    let pid = other.pid().to_string();
    let words = [
        &*format!("cannot attach to process {pid}: permission denied"),
        "Run rtx-run as its user, or as root",
    ];
    refused(nobody.run(&["--pid".as_ref(), pid.as_ref()]), 125, &words);
    other.signal(nix::sys::signal::Signal::SIGKILL);
    other.finish();
}

/// Descriptors are short: it is a program that runs or a line that says why not, never anything else.
#[test]
fn too_few_descriptors_are_told() {
    let guest = Guest::test("exits");
    let (mut ran, mut lines) = (false, 0);
    for limit in (4..=24).step_by(2).chain([48, 96]) {
        for policy in ["never", "static"] {
            let run = Run::supervised(guest.path())
                .flags(["--policy", policy, "--boards", "local:1"])
                .args(["return", "0"])
                .before_exec(move || {
                    let resource = nix::sys::resource::Resource::RLIMIT_NOFILE;
                    Ok(nix::sys::resource::setrlimit(resource, limit, limit)?)
                });
            let outcome = run.finish();
            if outcome.status() == Status::Exited(0) {
                ran = true;
                continue;
            }
            outcome.ended_with(Status::Exited(125));
            let line = outcome.one_line_on_stderr();
            assert!(line.starts_with("rtx-run: "), "{limit} {policy}: {line}");
            if limit >= 16 {
                let fix = "Raise the limit: ulimit -n ";
                assert!(
                    line.contains("open files") && line.contains(fix),
                    "{limit} {policy}: {line}"
                );
            }
            lines += 1;
        }
    }
    assert!(ran && lines > 0, "ran: {ran}, refused: {lines}");
}

#[test]
fn a_user_who_may_not_use_userfaultfd() {
    let Some(nobody) = Nobody::new() else {
        return;
    };
    let guest = nobody.copy(Guest::example("matmul").path(), "matmul", 0o755);
    let flags = ["--policy", "static", "--boards", "local:2", "--"].map(OsStr::new);
    let run = nobody.run(&[&flags[..], &[guest.as_os_str()]].concat());
    match userfaultfd_is_open_to_all() {
        true => drop(run.finish().succeeded()),
        false => refused(run, 125, &["userfaultfd", "vm.unprivileged_userfaultfd"]),
    }
}
