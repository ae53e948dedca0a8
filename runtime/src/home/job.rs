//! Running one job: boards are reached first, then the program starts.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Instant;

use rtx_policies::{Policy, Request};

use super::attach;
use super::backtraces::{Backtraces, Crash};
use super::error::JobError;
use super::journal::Journal;
use super::messages::{ToPager, ToSupervisor};
use super::pager::{self, BoardAddress, PagerReport, Roster, Starter};
use super::stats::Stats;
use super::supervisor::{Ended, Supervisor};
use super::thread::{Counters, Thread};
use super::told::Told;
use crate::continuations::Pair;
use crate::figures::{Meter, Runnable};
use crate::guest::bell::{Bell, Sleeper};
use crate::guest::equip::EquipError;
use crate::guest::inject::InjectError;
use crate::guest::launch::{self, Program};
use crate::guest::low;
use crate::guest::procfs;
use crate::guest::ptrace::{self, Tid};
use crate::patience::Patience;
use crate::report::{Event, Gauges, What};

/// What is to run.
pub enum Target {
    /// A program to start.
    Launch(Program),
    /// A process that already runs.
    Attach(Tid),
}

/// A board as the supervisor knows it.
#[derive(Clone, Debug)]
pub struct BoardFacts {
    pub name: String,
    pub isa: String,
    /// Threads go there, and come back, at equivalence points only.
    pub foreign: bool,
    pub address: String,
    pub slots: u32,
    pub cores: u32,
    pub alive: bool,
    /// It is to leave: no thread goes there any more.
    pub draining: bool,
    /// What it tells of itself.
    pub told: Told,
}

impl BoardFacts {
    /// It executes other code than home, and has memory elsewhere.
    pub fn is_of_other_isa(&self) -> bool {
        self.isa != std::env::consts::ARCH
    }

    /// Threads may go there.
    pub fn takes(&self) -> bool {
        self.alive && !self.leaves()
    }

    /// It is to have no threads any more: the operator wants that, or its owner.
    pub fn leaves(&self) -> bool {
        self.draining || self.told.load.is_some_and(|load| load.draining)
    }
}

/// Who is told what happens. Called from the supervisor's thread; must not block.
pub trait Observer: Send {
    /// Something the user should know.
    fn warn(&self, message: &str);
    /// A move was decided.
    fn decision(&self, tid: Tid, what: &str, reason: &str);
    /// A signal is delivered to the guest; `sender` is a pid, 0 if the kernel sent it.
    fn guest_signal(&self, signal: i32, sender: i32);
    /// Job control stopped the guest, or continued it.
    fn stopped(&self, stopped: bool);
    /// The guest runs; its pid.
    fn started(&self, pid: Tid);
    /// Something has happened to a thread.
    fn event(&self, event: Event);
}

/// A job to run.
pub struct Job {
    pub target: Target,
    pub policy: Box<dyn Policy>,
    pub boards: Vec<BoardAddress>,
    /// Starts more of them, if the operator wants that.
    pub starter: Arc<dyn Starter>,
    /// The program's files, if it is of rtx-cc.
    pub pair: Option<Arc<Pair>>,
    pub settings: Settings,
    pub observer: Box<dyn Observer>,
    /// Where the job counts while it runs.
    pub gauges: Arc<Gauges>,
}

/// What can be set.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Talk to boards that are not on this machine.
    pub insecure: bool,
    /// How long the connection to a board may take to come about.
    pub connect_timeout: std::time::Duration,
    /// A board that says nothing for so long is lost.
    pub heartbeat_timeout: std::time::Duration,
    /// What has not gone on for so long is told, with the state of the job; zero: never.
    pub stuck_after: std::time::Duration,
    /// Threads of programs of rtx-cc move at equivalence points only, to boards of home's ISA too.
    pub only_at_points: bool,
    /// The program is of the compiler of Popcorn: that is why its threads cannot go to boards of another ISA.
    pub popcorn: bool,
    /// Find out in which functions the guest was when it died by a signal of its own.
    pub backtrace_crashes: bool,
    /// What home takes from the wall with nothing to do and with all cores busy.
    pub watts: Option<(f64, f64)>,
}

/// Reaches into a running job from other threads.
#[derive(Clone)]
pub struct Control {
    sender: mpsc::Sender<ToSupervisor>,
    bell: Bell,
}

impl Control {
    /// Sends; a job that has ended does not listen.
    pub fn send(&self, message: ToSupervisor) {
        let _ = self.sender.send(message);
        self.bell.ring();
    }

    /// Sends the guest a signal.
    pub fn signal(&self, signal: i32) {
        self.send(ToSupervisor::Signal(signal));
    }

    /// Prints the state of the job.
    pub fn dump(&self) {
        self.send(ToSupervisor::Dump);
    }

    /// Asks for a move; what becomes of it is the policy's business.
    pub fn request(&self, request: Request) {
        self.send(ToSupervisor::Request(request));
    }

    /// Lets the guest go.
    pub fn detach(&self) {
        self.send(ToSupervisor::Detach);
    }
}

/// What came of a job.
pub struct JobResult {
    /// How the guest ended, or why the job could not go on.
    pub outcome: Result<Ended, JobError>,
    pub wall_s: f64,
    /// What home's counters of energy have measured; `None`: there are none.
    pub joules: Option<f64>,
    /// Home's.
    pub cores: u32,
    /// Home's, idle and busy.
    pub watts: Option<(f64, f64)>,
    pub boards: Vec<BoardFacts>,
    pub threads: Vec<(Tid, Counters)>,
    /// How the guest came to die by a signal of its own, if [`Settings::backtrace_crashes`].
    pub crash: Option<Crash>,
    pub stats: Stats,
    pub pager: PagerReport,
}

/// Runs a job to its end. `ready` gets the means to reach into it once the guest runs. Makes its
/// own threads; the calling one only waits.
pub fn run(job: Job, ready: impl FnOnce(Control) + Send) -> Result<JobResult, JobError> {
    std::thread::scope(|scope| {
        let supervisor = std::thread::Builder::new()
            .name("rtx-supervisor".into())
            .spawn_scoped(scope, move || supervise(job, ready))
            .map_err(|e| JobError::Kernel("start a thread", e))?;
        match supervisor.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn supervise(job: Job, ready: impl FnOnce(Control)) -> Result<JobResult, JobError> {
    let sleeper = Sleeper::new()
        .map_err(|e| JobError::Kernel("prepare to wait for the program", e.into()))?;
    let (sender, inbox) = mpsc::channel();
    let control = Control {
        sender,
        bell: sleeper.bell(),
    };
    let (pager, boards) = pager::start(
        Roster {
            addresses: job.boards.clone(),
            starter: job.starter.clone(),
        },
        job.pair.clone(),
        job.settings,
        control.clone(),
        job.gauges.clone(),
    )?;
    let started = Instant::now();
    let begun = match &job.target {
        Target::Launch(program) => {
            launch::launch(program, ptrace::GUEST_OPTIONS).map_err(JobError::Launch)
        }
        Target::Attach(pid) => reachable(*pid, &boards).and_then(|()| {
            attach::seize_all(*pid).map_err(|source| JobError::Attach { pid: *pid, source })
        }),
    };
    let pid = match begun {
        Ok(pid) => pid,
        Err(e) => {
            let _ = pager.sender.send(ToPager::Finish);
            pager.join();
            return Err(e);
        }
    };
    job.observer.started(pid);
    let mut supervisor = Supervisor {
        pid,
        threads: Default::default(),
        finished: Default::default(),
        deferred: Default::default(),
        setup: None,
        pager: pager.sender.clone(),
        inbox,
        sleeper,
        next_tick: job.policy.wants_ticks().map(|every| started + every),
        policy: job.policy,
        boards,
        cores: std::thread::available_parallelism().map_or(1, |n| n.get() as u32),
        watts: job.settings.watts,
        meter: Meter::begin(),
        runnable: Runnable::apart(pid),
        asked_for: Vec::new(),
        stats: Stats::default(),
        observer: job.observer,
        journal: Journal::new(job.gauges),
        mail: Default::default(),
        waiting: Default::default(),
        patience: Patience::new(job.settings.stuck_after, started),
        backtraces: Backtraces::new(control.clone(), job.settings.backtrace_crashes),
        asked: Default::default(),
        board_ns: 0,
        next_token: 0,
        children: Default::default(),
        deadlines: Default::default(),
        remainders: Default::default(),
        half_born: Default::default(),
        pair: job.pair,
        requests: Default::default(),
        births: Default::default(),
        scratches: Default::default(),
        refused: Default::default(),
        orders: Default::default(),
        decisions: Default::default(),
        started,
        group_stopped: false,
        closed: false,
        has_made_code: false,
        stays: false,
        detaching: false,
        withdrawal: None,
        filtered: false,
        warned_of_rseq: false,
        ended: None,
        failure: None,
    };
    supervisor.pass_on_complaint();
    ready(control);
    let outcome = supervisor
        .begin(&job.target)
        .and_then(|()| supervisor.run());
    if let Err(e) = &outcome {
        // Whatever went wrong, nothing of the guest runs on.
        if !matches!(e, JobError::BoardLost { .. }) {
            // SAFETY: kill takes integers; the guest is our tracee, or gone.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
    }
    supervisor.tell(ToPager::Finish);
    let threads = supervisor.thread_counters();
    let crash = supervisor.crash();
    let wall_s = started.elapsed().as_secs_f64();
    let joules = supervisor.meter.joules();
    Ok(JobResult {
        outcome,
        wall_s,
        joules,
        cores: supervisor.cores,
        watts: supervisor.watts,
        boards: supervisor.boards,
        threads,
        crash,
        stats: supervisor.stats,
        pager: pager.join(),
    })
}

/// Whether a process that runs already has its memory where all boards can have it.
fn reachable(pid: Tid, boards: &[BoardFacts]) -> Result<(), JobError> {
    let Some(board) = boards.iter().find(|board| board.is_of_other_isa()) else {
        return Ok(());
    };
    match low::is_low(pid) {
        Ok(true) => Ok(()),
        Ok(false) => Err(JobError::Beyond {
            pid,
            board: board.name.clone(),
            isa: board.isa.clone(),
        }),
        Err(source) => Err(JobError::Attach { pid, source }),
    }
}

impl Supervisor {
    /// Takes up the threads there are.
    fn begin(&mut self, target: &Target) -> Result<(), JobError> {
        let now = Instant::now();
        match target {
            Target::Launch(program) => {
                self.threads.insert(self.pid, Thread::new(self.pid, now));
                self.note(self.pid, What::Born);
                self.stopped(self.pid);
                if program.low {
                    match low::move_stack(self.pid) {
                        Ok(()) => {}
                        Err(EquipError::Inject(InjectError::Ended(tid, status))) => {
                            self.deferred.extend(status.map(|s| (tid, s)));
                            return Ok(());
                        }
                        Err(e) => return Err(JobError::Setup(e)),
                    }
                }
                self.resume(self.pid, 0)
            }
            Target::Attach(pid) => {
                let tids = procfs::threads(*pid)
                    .map_err(|source| JobError::Attach { pid: *pid, source })?;
                for tid in tids {
                    self.threads.insert(tid, Thread::new(tid, now));
                    self.note(tid, What::Born);
                }
                self.wake_by(now);
                Ok(())
            }
        }
    }
}
