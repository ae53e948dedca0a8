//! Two network namespaces with a cable between them: home and a board's machine.
//!
//! Each end has a processor of its own, rtx and the floor alike: the home and the board of a job are two
//! machines, which do not take turns on one processor.
//!
//! The namespaces have no names. Each lives as long as a process in it, and that dies with us, so
//! nothing is left whatever happens; this machine's own network is not touched.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use nix::sched::{CloneFlags, CpuSet, sched_getaffinity, sched_setaffinity, setns, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::Run;

/// Home's address.
pub const HOME: &str = "10.77.0.1";
/// The board's address.
pub const BOARD: &str = "10.77.0.2";

/// A network namespace of our own, with a processor: one machine.
pub struct Namespace {
    keeper: Child,
    handle: File,
    processor: Option<CpuSet>,
}

impl Namespace {
    fn new(processor: Option<CpuSet>) -> io::Result<Self> {
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
        Ok(Self {
            keeper,
            handle,
            processor,
        })
    }

    /// Lets a run happen in it.
    pub fn enter(&self, run: Run) -> Run {
        let handle = self.handle.try_clone().expect("a descriptor");
        let processor = self.processor;
        run.before_exec(move || {
            setns(&handle, CloneFlags::CLONE_NEWNET)?;
            match &processor {
                Some(set) => Ok(sched_setaffinity(Pid::from_raw(0), set)?),
                None => Ok(()),
            }
        })
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

/// A processor for each machine: two machines share none. None if there are not enough.
fn processors() -> [Option<CpuSet>; 2] {
    let ours = sched_getaffinity(Pid::from_raw(0)).expect("a process has processors");
    let one = |cpu| {
        let mut set = CpuSet::new();
        set.set(cpu).expect("a number from a set");
        set
    };
    let ours = |cpu: &usize| ours.is_set(*cpu).unwrap_or(false);
    let mut own = (0..CpuSet::count()).filter(ours).map(one);
    match (own.next(), own.next()) {
        (Some(home), Some(board)) => [Some(home), Some(board)],
        _ => [None, None],
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
        let namespace = |processor| {
            Namespace::new(processor).unwrap_or_else(|error| {
                panic!("cannot make a network namespace: {error}. Run the benchmarks as root")
            })
        };
        let [home, board] = processors().map(namespace);
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
