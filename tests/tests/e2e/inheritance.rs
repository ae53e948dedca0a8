//! What a program inherits: `rtx-run` passes on what it got itself.

use std::os::unix::fs::symlink;

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};
use nix::sys::stat::{Mode, umask};
use rtx_tests::compare::everywhere;
use rtx_tests::scratch::Scratch;
use rtx_tests::{Guest, Run};

#[test]
fn arguments_and_environment() {
    let guest = Guest::test("inherit");
    let odd = [
        "", "--policy", "never", "-v", "--", "a b", "\u{e9}", "*", "--help",
    ];
    let scratch = Scratch::new();
    let runs = everywhere(guest.path(), |run| {
        run.directory(scratch.work())
            .args(odd)
            .variable("EMPTY", "")
            .variable("WITH_SPACES", " a = b ")
            .variable("LD_LIBRARY_PATH", "/no/such/directory")
    });
    let text = runs.native.succeeded().stdout();
    assert!(text.contains("argument 3 \"never\"") && text.contains("env WITH_SPACES= a = b "));
}

#[test]
fn the_directory_and_the_name() {
    let guest = Guest::test("inherit");
    let scratch = Scratch::new();
    symlink(guest.path(), scratch.work().join("called so")).expect("linked");
    let runs = everywhere("./called so", |run| run.directory(scratch.work()));
    let text = runs.native.succeeded().stdout();
    assert!(text.contains("argument 0 \"./called so\""), "{text}");
}

#[test]
fn a_program_in_the_path() {
    let guest = Guest::test("inherit");
    let directory = guest.path().parent().expect("it lies in a directory");
    let path = format!("/no/such:{}:/usr/bin:/bin", directory.display());
    let scratch = Scratch::new();
    let arrange = |run: Run| run.directory(scratch.work()).variable("PATH", &path);
    everywhere("inherit", arrange).native.succeeded();
}

#[test]
fn descriptors_signals_and_limits() {
    let guest = Guest::test("inherit");
    let scratch = Scratch::new();
    let arrange = |run: Run| {
        run.directory(scratch.work()).before_exec(|| {
            for fd in [7, 100] {
                // SAFETY: dup2 has no pointer arguments, and nothing in this process uses these
                // numbers.
                if unsafe { libc::dup2(2, fd) } != fd {
                    return Err(std::io::Error::last_os_error());
                }
            }
            for ignored in [Signal::SIGPIPE, Signal::SIGUSR2, Signal::SIGHUP] {
                // SAFETY: to ignore a signal installs no handler.
                unsafe { signal(ignored, SigHandler::SigIgn) }?;
            }
            let mut blocked = SigSet::empty();
            blocked.add(Signal::SIGUSR1);
            blocked.add(Signal::SIGWINCH);
            sigprocmask(SigmaskHow::SIG_SETMASK, Some(&blocked), None)?;
            setrlimit(Resource::RLIMIT_NOFILE, 300, 400)?;
            setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
            umask(Mode::from_bits_truncate(0o027));
            Ok(())
        })
    };
    let runs = everywhere(guest.path(), arrange);
    let text = runs.native.succeeded().stdout();
    for expected in [
        "fd 7 ",
        "fd 100 ",
        "signal 13 ignored",
        "signal 10 default blocked",
    ] {
        assert!(text.contains(expected), "{expected} is missing in {text}");
    }
}

/// `ps` reads these files, whose content is on a board's pages here.
#[test]
fn others_see_arguments_and_environment_of_an_offloaded_program() {
    let guest = Guest::test("shown");
    let mut run = Run::offloaded(guest.path())
        .variable("SHOWN", "yes")
        .args(["one", "", "two words"])
        .open_input()
        .start();
    run.wait_for_output("written");
    let pid = run.guest(guest.path()).pid;
    let read = |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).expect("it runs");
    let command = format!("{}\0one\0\0two words\0", guest.path().display());
    assert_eq!(String::from_utf8_lossy(&read("cmdline")), command);
    let environment = read("environ");
    assert!(
        environment
            .split(|byte| *byte == 0)
            .any(|v| v == b"SHOWN=yes")
    );
    run.close_input();
    assert_eq!(run.finish().succeeded().stdout(), "written\ndone\n");
}
