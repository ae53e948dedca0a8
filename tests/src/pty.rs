//! A pseudo-terminal as a run's controlling terminal.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Command, Stdio};

use nix::pty::openpty;
use nix::sys::termios::{OutputFlags, SetArg, tcgetattr, tcsetattr};

/// Our side of a pseudo-terminal: what is written here was typed.
#[derive(Debug)]
pub struct Pty {
    master: File,
    slave: Option<OwnedFd>,
}

impl Pty {
    /// A terminal that turns no newline into two characters.
    pub fn new() -> Self {
        let pair = openpty(None, None).expect("a pseudo-terminal");
        let mut settings = tcgetattr(&pair.slave).expect("its settings");
        settings.output_flags.remove(OutputFlags::OPOST);
        tcsetattr(&pair.slave, SetArg::TCSANOW, &settings).expect("settings are taken");
        Self {
            master: File::from(pair.master),
            slave: Some(pair.slave),
        }
    }

    /// Makes the terminal a command's three standard streams. The command must lead a session, and
    /// take the terminal as its own with [`take_terminal`].
    pub fn give_to(&self, command: &mut Command) {
        let slave = self
            .slave
            .as_ref()
            .expect("no command has the terminal yet");
        let stream = || Stdio::from(slave.try_clone().expect("duplicated"));
        command.stdin(stream()).stdout(stream()).stderr(stream());
    }

    /// Lets go of the command's side, so that the terminal hangs up when the command has ended.
    pub fn given(&mut self) {
        self.slave = None;
    }

    /// A stream of what appears on the screen.
    pub fn screen(&self) -> File {
        self.master.try_clone().expect("duplicated")
    }

    /// Types.
    pub fn type_keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).expect("typed");
    }
}

impl Default for Pty {
    fn default() -> Self {
        Self::new()
    }
}

/// Makes standard input the controlling terminal; for the session leader, before it executes.
pub fn take_terminal() -> std::io::Result<()> {
    let fd = std::io::stdin().as_raw_fd();
    // SAFETY: TIOCSCTTY takes a number, not a pointer.
    match unsafe { libc::ioctl(fd, libc::TIOCSCTTY, 0) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}
