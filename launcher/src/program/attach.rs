//! A program that runs already: what `--pid` names.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::error::Why;
use crate::errors::Explain;

/// A running program cannot be attached to.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// There is no such process.
    #[error("cannot attach to process {pid}: there is no such process")]
    Missing {
        /// The process.
        pid: i32,
    },
    /// The number is that of a thread.
    #[error("cannot attach to process {pid}: it is a thread of process {process}")]
    Thread {
        /// The thread.
        pid: i32,
        /// Its process.
        process: i32,
    },
    /// It is `rtx-run` itself.
    #[error("cannot attach to process {pid}: it is rtx-run itself")]
    Itself {
        /// The process.
        pid: i32,
    },
    /// A debugger or another `rtx-run` traces it.
    #[error("cannot attach to process {pid}: process {tracer} traces it")]
    Traced {
        /// The process.
        pid: i32,
        /// Who traces it.
        tracer: i32,
    },
    /// It has exited and waits for its parent, or is a kernel thread.
    #[error("cannot attach to process {pid}: it has no program")]
    NoProgram {
        /// The process.
        pid: i32,
    },
    /// Its first thread has ended, others go on: only its parent will learn how it ends.
    #[error(
        "cannot attach to process {pid}: its first thread has ended, so that rtx-run could not learn how the program ends"
    )]
    FirstEnded {
        /// The process.
        pid: i32,
    },
    /// It belongs to somebody else, or is protected.
    #[error("cannot attach to process {pid}")]
    Denied {
        /// The process.
        pid: i32,
        /// Why.
        source: io::Error,
    },
    /// It is a program of the wrong kind.
    #[error("cannot attach to process {pid}")]
    Program {
        /// The process.
        pid: i32,
        /// Why.
        #[source]
        why: Why,
    },
}

impl Explain for AttachError {
    fn fix(&self) -> Option<String> {
        let fix = match self {
            Self::Missing { .. } | Self::NoProgram { .. } | Self::Itself { .. } => {
                "Name a running program: pgrep -a NAME".to_owned()
            }
            Self::FirstEnded { .. } => {
                "Attach before its main function ends, or start it with rtx-run".to_owned()
            }
            Self::Thread { process, .. } => format!("Use --pid {process}"),
            Self::Traced { .. } => "End the debugger or strace first".to_owned(),
            Self::Denied { .. } => "Run rtx-run as its user, or as root".to_owned(),
            Self::Program { .. } => "rtx handles statically linked programs only".to_owned(),
        };
        Some(fix)
    }
}

/// How long a process may be in the middle of executing a program, which looks as if its first thread had
/// ended.
const EXEC_PATIENCE: Duration = Duration::from_secs(2);

/// The program of a running process, after a look at whether rtx could handle it.
pub fn running(pid: i32) -> Result<PathBuf, AttachError> {
    let end = Instant::now() + EXEC_PATIENCE;
    loop {
        match look(pid) {
            Err(AttachError::FirstEnded { .. }) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(1));
            }
            answer => return answer,
        }
    }
}

fn look(pid: i32) -> Result<PathBuf, AttachError> {
    let unreachable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => AttachError::Missing { pid },
        _ => AttachError::Denied { pid, source },
    };
    if pid == nix::unistd::getpid().as_raw() {
        return Err(AttachError::Itself { pid });
    }
    let status = fs::read_to_string(format!("/proc/{pid}/status")).map_err(unreachable)?;
    let field = |name: &str| -> i32 {
        let value = status.lines().find_map(|line| line.strip_prefix(name));
        value.and_then(|v| v.trim().parse().ok()).unwrap_or(0)
    };
    let process = field("Tgid:");
    if process != pid {
        return Err(AttachError::Thread { pid, process });
    }
    let tracer = field("TracerPid:");
    if tracer != 0 {
        return Err(AttachError::Traced { pid, tracer });
    }
    let link = format!("/proc/{pid}/exe");
    let program = fs::read_link(&link).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound if has_other_threads(pid) => AttachError::FirstEnded { pid },
        io::ErrorKind::NotFound => AttachError::NoProgram { pid },
        _ => AttachError::Denied { pid, source },
    })?;
    // Through the link: the file may have been deleted or replaced since.
    super::elf::check(link.as_ref()).map_err(|error| match error.why {
        Why::Unreadable(source) => AttachError::Denied { pid, source },
        why => AttachError::Program { pid, why },
    })?;
    Ok(program)
}

/// Whether a process has threads beside its first.
fn has_other_threads(pid: i32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    threads.is_ok_and(|threads| threads.count() > 1)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;

    use nix::sys::wait::{Id, WaitPidFlag, waitid};

    use super::*;

    #[test]
    fn what_cannot_be_attached_to_is_said() {
        let own = nix::unistd::getpid().as_raw();
        assert!(matches!(running(own), Err(AttachError::Itself { .. })));
        assert!(matches!(
            running(i32::MAX),
            Err(AttachError::Missing { .. })
        ));
        let tid = nix::unistd::gettid().as_raw();
        if tid != own {
            assert!(
                matches!(running(tid), Err(AttachError::Thread { process, .. }) if process == own)
            );
        }
    }

    #[test]
    fn what_has_ended_has_no_program() {
        let mut child = std::process::Command::new("true").spawn().expect("true");
        let pid = nix::unistd::Pid::from_raw(child.id() as i32);
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        waitid(Id::Pid(pid), flags).expect("it ends");
        let result = running(pid.as_raw());
        child.wait().expect("reaped");
        let error = result.expect_err("a zombie");
        assert!(matches!(error, AttachError::NoProgram { .. }), "{error}");
        assert_eq!(
            error.fix().as_deref(),
            Some("Name a running program: pgrep -a NAME")
        );
    }

    #[test]
    fn what_somebody_traces_is_refused() {
        let mut command = std::process::Command::new("sleep");
        // SAFETY: it only makes a system call.
        unsafe {
            command.pre_exec(|| Ok(nix::sys::ptrace::traceme()?));
        }
        let mut child = command.arg("100").spawn().expect("sleep");
        let result = running(child.id() as i32);
        child.kill().expect("killed");
        child.wait().expect("reaped");
        let error = result.expect_err("traced");
        let own = nix::unistd::gettid().as_raw();
        assert!(
            matches!(error, AttachError::Traced { tracer, .. } if tracer == own),
            "{error}"
        );
        assert_eq!(
            error.fix().as_deref(),
            Some("End the debugger or strace first")
        );
    }

    #[test]
    fn a_dynamically_linked_process_is_refused() {
        let mut child = std::process::Command::new("sleep")
            .arg("100")
            .spawn()
            .expect("sleep");
        // Until the child has executed sleep it is a copy of this test, which is dynamic as well.
        let result = running(child.id() as i32);
        child.kill().expect("killed");
        child.wait().expect("reaped");
        let error = result.expect_err("dynamic");
        assert!(
            matches!(
                error,
                AttachError::Program {
                    why: Why::Dynamic { .. },
                    ..
                }
            ),
            "{error}"
        );
    }
}
