//! What `rtx-run` says about every bad command line, configuration and program: the text, and the
//! exit status.

mod common;

use std::os::unix::ffi::OsStringExt;

use common::{
    Directory, file_of_pair, foreign_program, narrow_program, outcome, program, refuses, rtx_run,
};

const HERE: &str = if cfg!(target_arch = "x86_64") {
    "x86-64"
} else {
    "ARM64"
};

#[test]
fn misused_flags() {
    refuses::<&str>(
        &[],
        125,
        "rtx-run: no program given. Name one: rtx-run PROGRAM [ARG...]. See rtx-run --help",
    );
    refuses(
        &["--frobnicate", "app"],
        125,
        "rtx-run: unexpected argument '--frobnicate' found. See rtx-run --help",
    );
    refuses(
        &["--summary=7", "app"],
        125,
        "rtx-run: unexpected value '7' for '--summary' found; no more were expected. \
         See rtx-run --help",
    );
    refuses(
        &["--pid", "me"],
        125,
        "rtx-run: invalid value 'me' for '--pid <PID>': invalid digit found in string. \
         See rtx-run --help",
    );
}

#[test]
fn unknown_policies() {
    let expected = "rtx-run: unknown policy \"foo\": known policies are balance, congestion, energy, guard-memory, \
         manual, never, shuffle, static; presets are busy-server, fast-network, save-energy, \
         slow-network, small-boards";
    refuses(&["--policy", "foo", "/bin/true"], 125, expected);

    let directory = Directory::new("policy");
    let file = directory.file("rtx.toml", 0o644, b"summary = false\npolicy = \"foo\"\n");
    let expected = expected.replace("rtx-run: ", &format!("rtx-run: {file}:2: "));
    refuses(&["--config", &file, "/bin/true"], 125, &expected);

    let (status, line) = outcome(rtx_run().env("RTX_POLICY", "foo").arg("/bin/true"));
    assert_eq!(status, 125);
    assert!(
        line.starts_with("rtx-run: RTX_POLICY: unknown policy \"foo\""),
        "{line}"
    );
}

#[test]
fn lists_of_boards_that_mean_nothing() {
    const FIX: &str = "Give local:N for N boards on this machine, HOST:PORT,HOST:PORT,... for \
                       running rtx-board agents, ssh:HOST,HOST,..., hostfile:FILE, slurm or pbs \
                       for agents that rtx-run starts";
    for (list, what) in [
        (
            "local:0",
            "the number of local boards \"0\" is not between 1 and 63",
        ),
        ("somewhere", "the board \"somewhere\" has no port"),
        (
            "a:1,,b:1",
            "the list of boards \"a:1,,b:1\" has an empty entry",
        ),
    ] {
        let expected = format!("rtx-run: {what}. {FIX}");
        refuses(&["--boards", list, "/bin/true"], 125, &expected);
    }
    let expected = format!("rtx-run: the board \"x\" has no port. {FIX}");
    refuses(
        &["--policy", "never", "--boards", "x", "/bin/true"],
        125,
        &expected,
    );
}

#[test]
fn configurations_that_cannot_be_used() {
    refuses(
        &["--config", "/no/such.toml", "app"],
        125,
        "rtx-run: cannot read the configuration '/no/such.toml': no such file or directory. \
         Check its path, owner and mode",
    );
    let directory = Directory::new("config");
    let file = directory.file("rtx.toml", 0o644, b"\npolcy = \"never\"\n");
    let expected = format!(
        "rtx-run: {file}:2: unknown key \"polcy\" (did you mean \"policy\"?). Known keys are boards, \
         connect_timeout_ms, events, heartbeat_timeout_ms, home_watts, insecure, metrics, \
         only_at_points, policy, progress, report, start_timeout_ms, stuck_after_ms, summary, verbose"
    );
    refuses(&["--config", &file, "app"], 125, &expected);
    let file = directory.file("rtx.toml", 0o644, b"summary = \"yes\"\n");
    let expected =
        format!("rtx-run: {file}:1: summary must be true or false, found string \"yes\"");
    refuses(&["--config", &file, "app"], 125, &expected);
}

#[test]
fn environments_that_cannot_be_used() {
    let (status, line) = outcome(rtx_run().env("RTX_SUMMARY", "often").arg("app"));
    let expected = "rtx-run: RTX_SUMMARY: summary must be true or false, found string \"often\"\n";
    assert_eq!((status, line.as_str()), (125, expected));
}

#[test]
fn flags_win_over_the_environment_and_it_over_the_file() {
    let directory = Directory::new("layers");
    let file = directory.file("rtx.toml", 0o644, b"policy = \"from-file\"\n");
    let unknown = |command: &mut std::process::Command| {
        let (_, line) = outcome(command.args(["--config", &file, "/bin/true"]));
        line.split('"').nth(1).expect("quoted").to_owned()
    };
    assert_eq!(unknown(&mut rtx_run()), "from-file");
    assert_eq!(unknown(rtx_run().env("RTX_POLICY", "from-env")), "from-env");
    let flagged = unknown(
        rtx_run()
            .env("RTX_POLICY", "x")
            .args(["--policy", "from-flag"]),
    );
    assert_eq!(flagged, "from-flag");
}

#[test]
fn other_variables_that_begin_like_ours_do_not_matter() {
    let (status, line) = outcome(rtx_run().env("RTX_CARD", "4090").arg("/bin/true"));
    assert_eq!(status, 126, "{line}");
}

#[test]
fn programs_that_are_not_there() {
    refuses(
        &["./no/such/app"],
        127,
        "rtx-run: cannot run './no/such/app': no such file or directory. Check the path",
    );
    refuses(
        &["rtx-no-such-app"],
        127,
        "rtx-run: cannot run 'rtx-no-such-app': no such file in any directory of PATH. \
         Check the name, or give the path, for instance ./app",
    );
    let directory = Directory::new("here");
    directory.file("app", 0o755, &program());
    let (status, line) = outcome(rtx_run().arg("app").current_dir(directory.path("")));
    assert_eq!(status, 127);
    assert!(line.ends_with("There is one here: ./app\n"), "{line}");
}

#[test]
fn programs_that_cannot_run() {
    let directory = Directory::new("programs");
    for (name, mode, content, why) in [
        (
            "plain",
            0o644,
            program(),
            "it has no execute permission. If it is a program: chmod +x PATH",
        ),
        (
            "script",
            0o755,
            b"#!/bin/sh\necho ran\n".to_vec(),
            "it is a script for /bin/sh. Run its interpreter instead, if that is statically \
             linked, with the script as argument",
        ),
        (
            "text",
            0o755,
            b"echo ran\n".to_vec(),
            "it is not an ELF program. rtx runs statically linked ELF programs, for instance from \
             musl-gcc -static",
        ),
        (
            "empty",
            0o755,
            vec![],
            "it is empty. Build it or copy it again",
        ),
        (
            "cut",
            0o755,
            program()[..178].to_vec(),
            "its ELF file is damaged: it ends within a segment. Build it or copy it again",
        ),
        (
            "setuid",
            0o4755,
            program(),
            "it is a set-user-ID file, and the kernel ignores that for a traced program. Run it \
             without rtx-run, or take the bit away: chmod ug-s PATH",
        ),
        (
            "narrow",
            0o755,
            narrow_program(),
            "it is a 32-bit program (i386). Build it for HERE",
        ),
    ] {
        let path = directory.file(name, mode, &content);
        let why = why.replace("PATH", &path).replace("HERE", HERE);
        let expected = format!("rtx-run: cannot run '{path}': {why}");
        refuses(&[&path], 126, &expected);
    }
    let path = directory.file("foreign", 0o755, &foreign_program());
    let (status, line) = outcome(rtx_run().arg(&path));
    assert_eq!(status, 126);
    let there = if HERE == "ARM64" { "x86-64" } else { "ARM64" };
    let expected = format!("it is built for {there}, and this machine is {HERE}. Build it for");
    assert!(line.contains(&expected), "{line}");
}

#[test]
fn directories_devices_and_dynamic_programs() {
    refuses(
        &["/"],
        126,
        "rtx-run: cannot run '/': it is a directory. Name a statically linked program",
    );
    refuses(
        &["/dev/null"],
        126,
        "rtx-run: cannot run '/dev/null': it is not a regular file. \
         Name a statically linked program",
    );
    let (status, line) = outcome(rtx_run().args(["--", "/bin/true"]));
    assert_eq!(status, 126);
    assert!(
        line.starts_with("rtx-run: cannot run '/bin/true': it is dynamically linked"),
        "{line}"
    );
    assert!(
        line.ends_with("Link it with -static, for instance: musl-gcc -static\n"),
        "{line}"
    );
}

#[test]
fn names_that_are_not_utf8_still_give_one_line() {
    let name = std::ffi::OsString::from_vec(b"./\xff\n\x1b[31m".to_vec());
    let (status, line) = outcome(rtx_run().arg(name));
    assert_eq!(status, 127);
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(!line.contains('\x1b'), "{line}");
}

#[test]
fn processes_that_cannot_be_attached_to() {
    refuses(
        &["--pid", "2147483647"],
        125,
        "rtx-run: cannot attach to process 2147483647: there is no such process. \
         Name a running program: pgrep -a NAME",
    );
    let own = std::process::id().to_string();
    let (status, line) = outcome(rtx_run().args(["--pid", &own]));
    assert_eq!(status, 125);
    assert!(line.contains(": it is dynamically linked"), "{line}");
}

#[test]
fn reports_that_cannot_be_written() {
    let directory = Directory::new("report");
    let path = directory.file("app", 0o755, &program());
    refuses(
        &["--report", "/no/such/r.json", &path],
        125,
        "rtx-run: cannot write the report \"/no/such/r.json\": no such file or directory. \
         Check the path after --report and the permissions of its directory",
    );
    refuses(
        &["--report", "/", &path],
        125,
        "rtx-run: cannot write the report \"/\": it does not name a file. \
         Check the path after --report and the permissions of its directory",
    );
}

/// The names of the files of a program for this machine and for the other.
const NAMES: (&str, &str) = if cfg!(target_arch = "x86_64") {
    ("app", "app.aarch64")
} else {
    ("app.aarch64", "app")
};

/// The arguments for a job that could be offloaded.
fn offload(path: &str) -> [&str; 3] {
    ["--policy", "static", path]
}

#[test]
fn files_of_rtx_cc_that_do_not_belong_together() {
    let directory = Directory::new("pair");
    let here = directory.file(NAMES.0, 0o755, &file_of_pair(false, 1, 1));
    let other = directory.file(NAMES.1, 0o755, &file_of_pair(true, 2, 1));
    let builds = |first: &str, second: &str| {
        format!(
            "rtx-run: {first} and {second} are not of the same build; \
             build both again with rtx-cc, or remove the second"
        )
    };
    refuses(&offload(&here), 125, &builds(&here, &other));
    // The other way round the same is found before anything else.
    refuses(&[&other], 125, &builds(&here, &other));
    directory.file(NAMES.0, 0o755, &program());
    refuses(&[&other], 125, &builds(&other, &here));

    directory.file(NAMES.0, 0o755, &file_of_pair(false, 1, 1));
    directory.file(NAMES.1, 0o755, &file_of_pair(true, 1, 2));
    let version = format!(
        "rtx-run: cannot use {other}: it was built for version 2 of the continuations, this is \
         version 1; build it with this version's rtx-cc"
    );
    refuses(&offload(&here), 125, &version);
    let mut damaged = file_of_pair(false, 1, 1);
    let note = damaged.len() - 104;
    damaged[note + 4] = 9;
    directory.file(NAMES.0, 0o755, &damaged);
    let expected =
        format!("rtx-run: cannot use {here}: its note of rtx-cc is damaged; build it again");
    refuses(&offload(&here), 125, &expected);
    directory.file(NAMES.0, 0o755, &file_of_pair(false, 1, 1));
    directory.file(NAMES.1, 0o755, &file_of_pair(false, 1, 1));
    let (status, line) = outcome(rtx_run().args(offload(&here)));
    assert_eq!(status, 125, "{line}");
    assert!(
        line.contains("as its name says; build the program again with rtx-cc"),
        "{line}"
    );
    directory.file(NAMES.1, 0o755, b"\x7fELF");
    let (status, line) = outcome(rtx_run().args(offload(&here)));
    assert_eq!(status, 125, "{line}");
    assert!(
        line.starts_with(&format!("rtx-run: cannot use {other}: it is damaged: ")),
        "{line}"
    );
    assert!(line.ends_with(". Build it again with rtx-cc\n"), "{line}");
    std::fs::remove_file(&other).expect("removed");
    std::fs::create_dir(&other).expect("created");
    let expected =
        format!("rtx-run: cannot read {other}: is a directory. Check its owner and mode");
    refuses(&offload(&here), 125, &expected);
}

#[test]
fn a_program_of_rtx_cc_is_run_by_either_name() {
    let directory = Directory::new("either");
    let other = directory.file(NAMES.1, 0o755, &file_of_pair(true, 1, 1));
    let expected = format!(
        "rtx-run: cannot run '{other}': it is a program of rtx-cc, whose file for this machine \
         ({HERE}) would be '{}'. Put that file there, or build the program again with rtx-cc",
        directory.path(NAMES.0).display()
    );
    refuses(&[&other], 126, &expected);
    let here = directory.file(NAMES.0, 0o644, &file_of_pair(false, 1, 1));
    let expected = format!(
        "rtx-run: cannot run '{here}': it has no execute permission. \
         If it is a program: chmod +x {here}"
    );
    refuses(&[&other], 126, &expected);
    directory.file(NAMES.0, 0o755, &file_of_pair(false, 1, 1));
    for path in [&here, &other] {
        let ran = outcome(rtx_run().args(["--policy", "never", path]));
        assert_eq!(ran, (0, String::new()), "{path}");
    }
}
