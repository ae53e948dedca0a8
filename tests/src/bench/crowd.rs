//! A busy home and a board beside it, of two processors: home and so many other jobs have the first, the board the
//! second.

use std::process::{Child, Command};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::measure::TIMEOUT;
use crate::agent::free_port;
use crate::{Agent, Run};

/// Pins what is started to one of the processors that this process may use.
pub(super) fn pin(index: usize) -> nix::Result<()> {
    let allowed = sched_getaffinity(Pid::from_raw(0))?;
    let mut cpus = (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu).unwrap_or(false));
    let cpu = cpus.nth(index).ok_or(nix::Error::ENODEV)?;
    let mut one = CpuSet::new();
    one.set(cpu)?;
    sched_setaffinity(Pid::from_raw(0), &one)
}

/// Does nothing but use its processor: one of the jobs beside the program, in a session of its own as batch systems'
/// jobs are, so that a kernel that shares its time among sessions (sched(7), autogroup) takes each for one.
pub fn spin() -> ! {
    pin(0).expect("two processors");
    nix::unistd::setsid().expect("it leads no group");
    set_pdeathsig(Signal::SIGKILL).expect("it is a signal");
    loop {
        std::hint::spin_loop();
    }
}

/// Jobs beside the program; they end with this.
pub(super) struct Crowd(Vec<Child>);

impl Crowd {
    pub fn of(count: usize) -> Self {
        let one = |_| {
            let mut command = Command::new("/proc/self/exe");
            command.arg("spin").spawn().expect("a job beside")
        };
        Crowd((0..count).map(one).collect())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may have been killed already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A run on the first processor.
pub fn at_home(run: Run) -> Run {
    run.before_exec(|| Ok(pin(0)?)).timeout(TIMEOUT)
}

/// The board on the second processor, and its address.
pub fn beside_home() -> (Agent, String) {
    let address = format!("127.0.0.1:{}", free_port());
    let agent = Agent::launch("beside", &address, |run| run.before_exec(|| Ok(pin(1)?)));
    (agent, address)
}
