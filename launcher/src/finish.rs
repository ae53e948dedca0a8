//! Ending as the program ended: report, summary, and the same status for the shell.

use std::io::Write;
use std::process;

use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use rtx_runtime::report::{Exit, Report, ReportError};

use crate::config::Settings;
use crate::errors::Explain;

/// A report could not be written.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct NoReport(#[from] ReportError);

impl Explain for NoReport {
    fn fix(&self) -> Option<String> {
        Some("Check the path after --report and the permissions of its directory".to_owned())
    }
}

/// Writes the report and prints the summary, as the settings ask for.
pub fn tell(report: &Report, settings: &Settings) -> Result<(), NoReport> {
    if settings.summary {
        // If nobody can read it, there is nobody to tell.
        let _ = std::io::stderr().write_all(report.summary().as_bytes());
    } else if let Some(crash) = report.crash.as_ref().filter(|_| settings.verbose) {
        let _ = write!(std::io::stderr(), "rtx-run: {crash}");
    }
    match &settings.report {
        Some(path) => Ok(report.write(path)?),
        None => Ok(()),
    }
}

/// Sees to it that the report can be written, before the program runs.
pub fn check_report(settings: &Settings) -> Result<(), NoReport> {
    match &settings.report {
        Some(path) => Ok(rtx_runtime::report::write::check(path)?),
        None => Ok(()),
    }
}

/// Ends this process as the program ended.
pub fn end_as(exit: Exit) -> ! {
    if let Some(signal) = exit.signal {
        die_by(signal);
    }
    process::exit(exit.code.unwrap_or(0))
}

/// Dies by the signal that ended the program, without a core dump: the program has written its
/// own, which ours would overwrite.
fn die_by(signal: i32) -> ! {
    // What fails here cannot be helped; the status at the end then says the same in another way.
    let _ = prctl::set_dumpable(false);
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    // SAFETY: no handler is installed: the default disposition runs no code of ours. The set is
    // written by sigemptyset before it is used. (nix's types do not know real-time signals.)
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        let mut set = std::mem::MaybeUninit::uninit();
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), std::ptr::null_mut());
        libc::raise(signal);
    }
    process::exit(128 + signal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{ForkResult, fork};

    /// How a forked child that ends as `exit` ends.
    fn ended(exit: Exit) -> WaitStatus {
        // SAFETY: the child ends at once, and uses neither the heap nor locks of other threads.
        match unsafe { fork() }.expect("forked") {
            ForkResult::Child => match exit.signal {
                Some(signal) => die_by(signal),
                None => process::abort(),
            },
            ForkResult::Parent { child } => waitpid(child, None).expect("waited"),
        }
    }

    #[test]
    fn death_by_signal_is_repeated_without_a_core() {
        for signal in [
            libc::SIGTERM,
            libc::SIGKILL,
            libc::SIGSEGV,
            libc::SIGABRT,
            libc::SIGPIPE,
        ] {
            let WaitStatus::Signaled(_, died_by, core) = ended(Exit::by_signal(signal)) else {
                panic!("not ended by signal {signal}");
            };
            assert_eq!((died_by as i32, core), (signal, false));
        }
    }
}
