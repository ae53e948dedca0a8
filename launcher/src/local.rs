//! Boards on this machine, as child processes that end with the job.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::errors::Explain;

/// The name under which this binary acts as an agent.
pub const BOARD: &str = "rtx-board";

/// Running local boards; they end when this is dropped.
#[derive(Debug, Default)]
pub struct LocalBoards {
    children: Vec<Child>,
    /// Where they listen, as `HOST:PORT`.
    pub addresses: Vec<String>,
}

/// A local board could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start a board on this machine")]
pub struct LocalError(#[from] std::io::Error);

impl Explain for LocalError {
    fn fix(&self) -> Option<String> {
        Some("Look at the limits of processes and open files: ulimit -a".to_owned())
    }
}

impl LocalBoards {
    /// Starts `count` boards and waits until they listen. Must be called from the main thread:
    /// the boards end when the thread that started them does.
    pub fn start(count: u8) -> Result<Self, LocalError> {
        let mut boards = Self::default();
        for number in 1..=count {
            boards.add(number)?;
        }
        Ok(boards)
    }

    fn add(&mut self, number: u8) -> std::io::Result<()> {
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0(BOARD)
            .args([
                "--listen",
                "127.0.0.1:0",
                "--quiet",
                "--name",
                &format!("local-{number}"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // A terminal's signals are for the program, not for its boards.
            .process_group(0);
        let parent = std::process::id();
        let die_with_parent = move || {
            nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
            match nix::unistd::getppid().as_raw() as u32 == parent {
                true => Ok(()),
                false => Err(std::io::ErrorKind::BrokenPipe.into()),
            }
        };
        // SAFETY: the closure makes two system calls and touches no memory of other threads.
        let mut child = unsafe { command.pre_exec(die_with_parent) }.spawn()?;
        let stdout = child.stdout.take().expect("its stdout is a pipe");
        self.children.push(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        match line.trim_end().rsplit_once(" listens on ") {
            Some((_, address)) => {
                self.addresses.push(address.to_owned());
                Ok(())
            }
            None => Err(std::io::Error::other("it ended at once")),
        }
    }
}

impl Drop for LocalBoards {
    fn drop(&mut self) {
        for child in &mut self.children {
            // It may have ended already, which is just as well.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
