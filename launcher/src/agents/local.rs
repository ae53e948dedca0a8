//! Agents on this machine, as child processes that end with the job.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// The command of an agent on this machine: this very file, under the agent's name. It ends when the thread
/// that spawned it does.
pub fn command() -> Command {
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0(super::BOARD)
        .arg("--job")
        // What goes wrong with a job, its rtx-run says.
        .stderr(Stdio::inherit());
    let parent = std::process::id();
    let die_with_parent = move || {
        nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
        match nix::unistd::getppid().as_raw() as u32 == parent {
            true => Ok(()),
            false => Err(io::ErrorKind::BrokenPipe.into()),
        }
    };
    // SAFETY: the closure makes two system calls and touches no memory of other threads.
    unsafe { command.pre_exec(die_with_parent) };
    command
}
