//! Boots an emulated ARM64 machine with a board, and runs a command in the network that the two are in:
//! whatever runs by `rtx-run` there without other settings uses that board.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus};

use rtx_tests::arm64::{self, Machine};

const USAGE: &str = "\
Usage: rtx-arm64-board COMMAND [ARG...]
       rtx-arm64-board --build

Boot an emulated ARM64 machine, start rtx-board in it, and run COMMAND in the network that the machine is in, with
RTX_BOARDS and RTX_INSECURE set so that rtx-run uses this board. The machine is gone when COMMAND ends, whose status
becomes this command's. Needs root for the network; called by sudo it runs COMMAND as the user who called that.

  --build  only build what runs in the machine, the unit tests of the ARM64 lane too";

fn main() -> ExitCode {
    let command: Vec<String> = std::env::args().skip(1).collect();
    match command.first().map(String::as_str) {
        Some("-h" | "--help") => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Some("--build") => {
            arm64::commands();
            arm64::unit_tests();
            return ExitCode::SUCCESS;
        }
        Some(option) if option.starts_with('-') => {
            eprintln!("rtx-arm64-board: there is no option '{option}'; see rtx-arm64-board --help");
            return ExitCode::from(2);
        }
        Some(_) => {}
        None => {
            eprintln!("rtx-arm64-board: which command? See rtx-arm64-board --help");
            return ExitCode::from(2);
        }
    }
    let machine = Machine::shared();
    let board = machine.board();
    let argv: Vec<String> = caller().into_iter().chain(command).collect();
    let run = || {
        let mut command = Command::new(&argv[0]);
        command.args(&argv[1..]);
        command.env("RTX_BOARDS", board).env("RTX_INSECURE", "true");
        command.status()
    };
    match machine.in_network(run) {
        Ok(status) => ExitCode::from(code(status)),
        Err(error) => {
            eprintln!("rtx-arm64-board: cannot run {}: {error}", argv[0]);
            ExitCode::from(127)
        }
    }
}

/// What makes a command run as the user who called sudo; nothing without sudo.
fn caller() -> Vec<String> {
    let id = |name| std::env::var(name).ok();
    match (id("SUDO_UID"), id("SUDO_GID")) {
        (Some(user), Some(group)) => [
            "setpriv",
            "--reuid",
            &user,
            "--regid",
            &group,
            "--init-groups",
            "--",
        ]
        .map(str::to_owned)
        .into(),
        _ => Vec::new(),
    }
}

/// As a shell says it.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
