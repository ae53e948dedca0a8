//! What a run left behind: processes, temporary files.

use std::time::{Duration, Instant};

use crate::procfs::Process;
use crate::scratch::{Scratch, names_in};

/// The variable by which a run's processes are known.
pub const MARKER: &str = "TESTBED_RUN";

/// How long the remains of a run may take to disappear.
const GRACE: Duration = Duration::from_secs(3);

/// How a run's processes are known: by their session or group, and by their environment.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The run's first process: leader of its group, mostly of its session too.
    pub leader: i32,
    /// `TESTBED_RUN=ID`.
    pub variable: String,
}

impl Identity {
    /// The run's living processes.
    pub fn processes(&self) -> Vec<Process> {
        let mut all = Process::all();
        all.retain(|process| self.owns(process));
        all
    }

    fn owns(&self, process: &Process) -> bool {
        process.session == self.leader
            || process.group == self.leader
            || process.has_variable(&self.variable)
    }

    /// Ends every process of the run, each by its number.
    pub fn kill(&self) {
        for _ in 0..50 {
            let processes = self.processes();
            if processes.is_empty() {
                return;
            }
            for process in processes {
                let pid = nix::unistd::Pid::from_raw(process.pid);
                let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What is left of a run that has ended, in words; empty if nothing. Waits a little for the rest to
/// go away.
pub fn find(identity: &Identity, scratch: &Scratch) -> Vec<String> {
    let begin = Instant::now();
    let mut processes = identity.processes();
    while !processes.is_empty() && begin.elapsed() < GRACE {
        std::thread::sleep(Duration::from_millis(10));
        processes = identity.processes();
    }
    let processes = processes.iter().map(describe);
    let files = names_in(&scratch.tmp()).into_iter();
    processes
        .chain(files.map(|name| format!("temporary file {name}")))
        .collect()
}

/// A process in words.
pub fn describe(process: &Process) -> String {
    let Process {
        pid,
        name,
        state,
        parent,
        ..
    } = process;
    let place = std::fs::read_to_string(format!("/proc/{pid}/wchan")).unwrap_or_default();
    format!("process {pid} ({name}, state {state} in {place}, child of {parent})")
}

/// The named network namespaces of this machine.
pub fn network_namespaces() -> Vec<String> {
    names_in("/run/netns".as_ref())
}

/// The network interfaces of this namespace.
pub fn interfaces() -> Vec<String> {
    names_in("/sys/class/net".as_ref())
}

#[cfg(test)]
mod tests {
    use crate::Run;

    #[test]
    fn a_process_left_behind_is_found() {
        let script = "sleep 100 >/dev/null 2>&1 & echo left";
        let outcome = Run::native("/bin/sh").args(["-c", script]).leaky().finish();
        assert_eq!(outcome.stdout(), "left\n");
        assert_eq!(outcome.leaks().len(), 1, "{:?}", outcome.leaks());
        assert!(
            outcome.leaks()[0].contains("sleep"),
            "{:?}",
            outcome.leaks()
        );
    }

    #[test]
    fn so_is_one_in_a_session_of_its_own() {
        let script = "setsid sleep 100 >/dev/null 2>&1 & sleep 0.2";
        let outcome = Run::native("/bin/sh").args(["-c", script]).leaky().finish();
        assert_eq!(outcome.leaks().len(), 1, "{:?}", outcome.leaks());
    }

    #[test]
    fn a_file_left_behind_is_found() {
        let script = "echo x >$TMPDIR/forgotten";
        let outcome = Run::native("/bin/sh").args(["-c", script]).leaky().finish();
        assert_eq!(outcome.leaks(), ["temporary file forgotten"]);
    }
}
