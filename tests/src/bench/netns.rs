//! Two network namespaces with a cable between them: home and a board's machine.
//!
//! The namespaces have no names. Each lives as long as a process in it, and that dies with us, so
//! nothing is left whatever happens; this machine's own network is not touched.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;

use crate::Run;

/// Home's address.
pub const HOME: &str = "10.77.0.1";
/// The board's address.
pub const BOARD: &str = "10.77.0.2";

/// A network namespace of our own.
pub struct Namespace {
    keeper: Child,
    handle: File,
}

impl Namespace {
    fn new() -> io::Result<Self> {
        let mut command = Command::new("sleep");
        command
            .arg("infinity")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let prepare = || {
            set_pdeathsig(Signal::SIGKILL)?;
            Ok(unshare(CloneFlags::CLONE_NEWNET)?)
        };
        // SAFETY: both are plain system calls.
        let keeper = unsafe { command.pre_exec(prepare) }.spawn()?;
        // Once spawn has returned the keeper has executed, and so has its namespace.
        let handle = File::open(format!("/proc/{}/ns/net", keeper.id()))?;
        Ok(Self { keeper, handle })
    }

    /// Lets a run happen in it.
    pub fn enter(&self, run: Run) -> Run {
        let handle = self.handle.try_clone().expect("a descriptor");
        run.before_exec(move || Ok(setns(&handle, CloneFlags::CLONE_NEWNET)?))
    }

    /// Runs `ip` in it.
    fn ip(&self, arguments: &str) {
        let program = if std::path::Path::new("/sbin/ip").exists() {
            "/sbin/ip"
        } else {
            "ip"
        };
        let run = Run::native(program).args(arguments.split(' '));
        self.enter(run).finish().succeeded();
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// Both ends.
pub struct Network {
    /// Where `rtx-run` runs.
    pub home: Namespace,
    /// Where `rtx-board` runs.
    pub board: Namespace,
}

impl Network {
    /// Lays the cable.
    pub fn new() -> Self {
        let namespace = || {
            Namespace::new().unwrap_or_else(|error| {
                panic!("cannot make a network namespace: {error}. Run the benchmarks as root")
            })
        };
        let (home, board) = (namespace(), namespace());
        let peer = board.keeper.id();
        home.ip(&format!(
            "link add rtx0 type veth peer name rtx0 netns {peer}"
        ));
        for (namespace, address) in [(&home, HOME), (&board, BOARD)] {
            namespace.ip("link set lo up");
            namespace.ip(&format!("addr add {address}/24 dev rtx0"));
            namespace.ip("link set rtx0 up");
        }
        Self { home, board }
    }
}
