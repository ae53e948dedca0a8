//! Network namespaces with cables between them: home's and boards' machines.
//!
//! Home has a processor of its own and so have the boards, rtx and the floor alike: home and boards do not
//! take turns on one processor. Several boards share theirs.
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

    /// Runs `ip` or `tc` in it.
    fn configure(&self, command: &str) {
        let mut words = command.split(' ');
        let name = words.next().expect("a command");
        let program = match format!("/sbin/{name}") {
            path if std::path::Path::new(&path).exists() => path,
            _ => name.to_owned(),
        };
        let run = Run::native(program).args(words);
        self.enter(run).finish().succeeded();
    }

    /// Lays a cable to another one; there is one of each number. `mbit`: no more megabits a second each way.
    fn cable(&self, other: &Namespace, number: usize, mbit: Option<u32>) {
        let name = format!("rtx{number}");
        let peer = other.keeper.id();
        self.configure(&format!(
            "ip link add {name} type veth peer name {name} netns {peer}"
        ));
        for (end, last) in [(self, 1), (other, 2)] {
            end.configure(&format!("ip addr add 10.77.{number}.{last}/24 dev {name}"));
            end.configure(&format!("ip link set {name} up"));
            if let Some(mbit) = mbit {
                // A token bucket, with a switch's buffer before it.
                end.configure(&format!(
                    "tc qdisc add dev {name} root tbf rate {mbit}mbit burst 64kb latency 20ms"
                ));
            }
        }
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

fn namespace(processor: Option<CpuSet>) -> Namespace {
    Namespace::new(processor).unwrap_or_else(|error| {
        panic!("cannot make a network namespace: {error}. Run the benchmarks as root")
    })
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
        let [home, board] = processors().map(namespace);
        for end in [&home, &board] {
            end.configure("ip link set lo up");
        }
        home.cable(&board, 0, None);
        Self { home, board }
    }
}

/// A home and several boards, each at the end of a cable of its own.
pub struct Star {
    /// Where `rtx-run` runs.
    pub home: Namespace,
    /// Where each `rtx-board` runs: on one processor together.
    pub boards: Vec<Namespace>,
}

impl Star {
    /// Lays cables that carry so many megabits a second each way.
    pub fn new(boards: usize, mbit: u32) -> Self {
        let [of_home, of_boards] = processors();
        let home = namespace(of_home);
        home.configure("ip link set lo up");
        let one = |number| {
            let board = namespace(of_boards);
            board.configure("ip link set lo up");
            home.cable(&board, number, Some(mbit));
            board
        };
        let boards = (0..boards).map(one).collect();
        Self { home, boards }
    }

    /// The address of a board.
    pub fn address(number: usize) -> String {
        format!("10.77.{number}.2")
    }
}
