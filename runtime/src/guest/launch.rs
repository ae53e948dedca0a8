//! Starting a program under ptrace, stopped before its first instruction.

use std::ffi::{CString, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use nix::sys::personality::{self, Persona};
use nix::unistd::ForkResult;

use super::arch;
use super::descriptors::Limit;
use super::inject::{InjectError, failed};
use super::low::COMMON_END;
use super::ptrace::{self, Tid};
use super::stop::Stop;

/// What the program inherits that the supervisor changed for itself. Sets of signals are as in the
/// kernel: bit N - 1 is signal N.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inherited {
    /// Signals that are blocked.
    pub mask: u64,
    /// Signals that are ignored; all others do what is their default.
    pub ignored: u64,
    /// Which of the descriptors 0, 1 and 2 are closed.
    pub closed: [bool; 3],
    /// The limit on open files; `None`: the supervisor's own.
    pub open_files: Option<Limit>,
}

/// A program to start.
pub struct Program {
    /// The file.
    pub path: PathBuf,
    /// Its arguments, the name it is called by first.
    pub argv: Vec<OsString>,
    /// Signal state to hand on.
    pub inherited: Inherited,
    /// Its memory is to be where every instruction set can have it ([`super::low`]).
    pub low: bool,
}

/// Which step failed.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// An argument holds a NUL byte.
    #[error("an argument of {0:?} contains a NUL byte")]
    Nul(PathBuf),
    /// A step before the program runs.
    #[error("cannot {0}")]
    Step(&'static str, #[source] io::Error),
    /// execve(2) refused the file.
    #[error("cannot execute {0:?}")]
    Exec(PathBuf, #[source] io::Error),
    /// The child ended before the program ran.
    #[error("the process for {0:?} ended before the program started")]
    Ended(PathBuf),
}

fn step(what: &'static str) -> impl Fn(nix::Error) -> LaunchError {
    move |e| LaunchError::Step(what, e.into())
}

fn cstring(path: &Path, bytes: OsString) -> Result<CString, LaunchError> {
    CString::new(bytes.into_vec()).map_err(|_| LaunchError::Nul(path.into()))
}

/// Starts `program`; on success it is stopped in its exec event, seized with `options` by the
/// calling thread. Its environment, files and directory are the caller's.
pub fn launch(program: &Program, options: i32) -> Result<Tid, LaunchError> {
    let path = cstring(&program.path, program.path.clone().into_os_string())?;
    let argv = program
        .argv
        .iter()
        .map(|a| cstring(&program.path, a.clone()));
    let argv = argv.collect::<Result<Vec<_>, _>>()?;
    let mut argp: Vec<*const libc::c_char> = argv.iter().map(|a| a.as_ptr()).collect();
    argp.push(std::ptr::null());
    let (go_read, go_write) =
        nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).map_err(step("make a pipe"))?;
    let (fail_read, fail_write) =
        nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).map_err(step("make a pipe"))?;
    // SAFETY: the child calls only async-signal-safe functions on data prepared above.
    match unsafe { nix::unistd::fork() }.map_err(step("fork"))? {
        ForkResult::Child => child(&path, &argp, program, &go_read, &fail_write, &go_write),
        ForkResult::Parent { child } => {
            drop((go_read, fail_write));
            let pid = child.as_raw();
            ptrace::seize(pid, options).map_err(|e| LaunchError::Step("trace the program", e))?;
            let go = nix::unistd::write(&go_write, &[1]);
            go.map_err(step("start the program"))?;
            await_exec(pid, program, fail_read)?;
            Ok(pid)
        }
    }
}

/// The child between fork and exec. Never returns.
fn child(
    path: &CString,
    argv: &[*const libc::c_char],
    program: &Program,
    go: &OwnedFd,
    fail: &OwnedFd,
    go_write: &OwnedFd,
) -> ! {
    let inherited = &program.inherited;
    // SAFETY: only async-signal-safe calls on live memory; `environ` is not changed meanwhile,
    // because this process has a single thread.
    unsafe {
        libc::close(go_write.as_raw_fd());
        // One byte: the parent has seized us. End of file: it is gone.
        let mut byte = 0u8;
        if libc::read(go.as_raw_fd(), (&raw mut byte).cast(), 1) != 1 {
            libc::_exit(127);
        }
        if let Ok(persona) = personality::get() {
            let mut wanted = persona | Persona::ADDR_NO_RANDOMIZE;
            if program.low && arch::ADDRESSES_END > COMMON_END {
                // Mappings then begin at a quarter of the addresses, and go upwards.
                wanted |= Persona::ADDR_COMPAT_LAYOUT;
            }
            let _ = personality::set(wanted);
        }
        for signal in 1..=64 {
            let ignored = inherited.ignored & 1 << (signal - 1) != 0;
            libc::signal(
                signal,
                if ignored {
                    libc::SIG_IGN
                } else {
                    libc::SIG_DFL
                },
            );
        }
        for (fd, _) in inherited
            .closed
            .iter()
            .enumerate()
            .filter(|(_, closed)| **closed)
        {
            libc::close(fd as i32);
        }
        if inherited
            .open_files
            .is_some_and(|limit| limit.set().is_err())
        {
            libc::_exit(127);
        }
        let how = libc::SIG_SETMASK;
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            how,
            &raw const inherited.mask,
            0usize,
            8usize,
        );
        // SAFETY: the C library's own variable (environ(7)).
        unsafe extern "C" {
            static environ: *const *const libc::c_char;
        }
        libc::execve(path.as_ptr(), argv.as_ptr(), environ);
        let errno = *libc::__errno_location();
        libc::write(fail.as_raw_fd(), (&raw const errno).cast(), 4);
        libc::_exit(127);
    }
}

fn await_exec(pid: Tid, program: &Program, fail: OwnedFd) -> Result<(), LaunchError> {
    let wait_failed = |e| LaunchError::Step("wait for the program", e);
    loop {
        let Some((_, status)) = ptrace::wait(pid, true).map_err(wait_failed)? else {
            return Err(LaunchError::Ended(program.path.clone()));
        };
        match Stop::decode(status) {
            Stop::Exec => return Ok(()),
            stop if stop.is_end() => {
                let mut errno = [0u8; 4];
                let error = match File::from(fail).read_exact(&mut errno) {
                    Ok(()) => LaunchError::Exec(
                        program.path.clone(),
                        io::Error::from_raw_os_error(i32::from_ne_bytes(errno)),
                    ),
                    Err(_) => LaunchError::Ended(program.path.clone()),
                };
                return Err(error);
            }
            Stop::Signal(signal) => ptrace::cont(pid, signal).map_err(wait_failed)?,
            Stop::Group(_) => ptrace::listen(pid).map_err(wait_failed)?,
            _ => ptrace::cont(pid, 0).map_err(wait_failed)?,
        }
    }
}

/// From the exec event, in which registers cannot be set for good, to a clean stop before the first
/// instruction. Signals that come meanwhile are sent again.
pub fn leave_exec(pid: Tid) -> Result<(), InjectError> {
    let mut met = Vec::new();
    ptrace::interrupt(pid).map_err(failed(pid, "stop"))?;
    loop {
        ptrace::cont(pid, 0).map_err(failed(pid, "resume"))?;
        let report = ptrace::wait(pid, true).map_err(failed(pid, "wait for"))?;
        match report.map(|(_, status)| (Stop::decode(status), status)) {
            Some((Stop::Trap, _)) => break,
            Some((Stop::Signal(signal), _)) => met.push(signal),
            Some((stop, status)) if stop.is_end() => {
                return Err(InjectError::Ended(pid, Some(status)));
            }
            Some(_) => {}
            None => return Err(InjectError::Ended(pid, None)),
        }
    }
    for signal in met {
        ptrace::tgkill(pid, pid, signal).map_err(failed(pid, "signal"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &str, argument: &[u8]) -> String {
        let program = Program {
            path: path.into(),
            argv: vec![OsString::from_vec(argument.to_vec())],
            inherited: Inherited::default(),
            low: false,
        };
        let error = launch(&program, 0).expect_err("it cannot be started");
        crate::report::chain(&error)
    }

    #[test]
    fn what_cannot_be_started_is_named() {
        assert_eq!(
            refused("/bin/true", b"a\0b"),
            "an argument of \"/bin/true\" contains a NUL byte"
        );
        assert_eq!(
            refused("/no/such", b"a"),
            "cannot execute \"/no/such\": No such file or directory (os error 2)"
        );
        assert_eq!(
            refused("/", b"a"),
            "cannot execute \"/\": Permission denied (os error 13)"
        );
    }
}
