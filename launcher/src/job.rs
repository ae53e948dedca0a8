//! The seam between the commands and the runtime: a plan in, an outcome out.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rtx_origin::Origin;
use rtx_runtime::guest::descriptors::Limit;
use rtx_runtime::guest::launch::{Inherited, Program};
use rtx_runtime::home::backtraces::Crash;
use rtx_runtime::home::error::JobError as RuntimeError;
use rtx_runtime::home::job::{self, Control, Job, JobResult, Observer, Settings, Target};
use rtx_runtime::home::operator::door;
use rtx_runtime::home::pager::BoardAddress;
use rtx_runtime::home::supervisor::Ended;
use rtx_runtime::report::{
    BoardReport, CallReport, CrashReport, EnergyReport, Exit, LatencyReport, NodeUse, Pages,
    Report, SCHEMA, ThreadReport, chain,
};

use crate::boards::BoardsSpec;
use crate::config::Watts;
use crate::errors::{Explain, status};
use crate::local::{LocalBoards, LocalError};
use crate::plan::JobPlan;
use crate::signals::{GuestSignals, SignalEvent, Signals, SignalsError};

/// A job that has ended because its program has.
#[derive(Debug)]
pub struct JobOutcome {
    /// How the program ended; `rtx-run` ends the same way.
    pub exit: Exit,
    /// What happened.
    pub report: Report,
}

/// A job could not begin, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Signals could not be listened for.
    #[error(transparent)]
    Signals(#[from] SignalsError),
    /// A local board could not be started.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// SIGCHLD could not be blocked.
    #[error("cannot block SIGCHLD")]
    Block(#[source] nix::Error),
    /// The runtime refused or failed.
    #[error("{what}")]
    Failed {
        /// What failed and why.
        what: String,
        /// The exit status.
        status: u8,
        /// What happened until then, if the program ran.
        report: Option<Box<Report>>,
    },
}

impl JobError {
    /// What happened until the error, if anything.
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::Failed { report, .. } => report.as_deref(),
            _ => None,
        }
    }
}

impl Explain for JobError {
    fn fix(&self) -> Option<String> {
        match self {
            Self::Signals(e) => e.fix(),
            Self::Local(e) => e.fix(),
            Self::Failed { status, .. } if *status == status::BOARD_LOST => {
                Some("Run it again, without that board".to_owned())
            }
            Self::Failed { .. } | Self::Block(_) => None,
        }
    }

    fn status(&self) -> u8 {
        match self {
            Self::Failed { status, .. } => *status,
            _ => status::REFUSED,
        }
    }
}

/// Tells the user on stderr what happens, from a thread of its own: stderr may be a pipe that only
/// the program itself empties.
#[derive(Clone)]
struct Voice {
    lines: Sender<String>,
    verbose: bool,
}

impl Voice {
    fn new(verbose: bool) -> Self {
        let (lines, receiver) = mpsc::channel::<String>();
        std::thread::spawn(move || {
            use std::io::Write;
            for line in receiver {
                // Whether anybody can read it is not our trouble.
                let _ = writeln!(std::io::stderr(), "rtx-run: {line}");
            }
        });
        Self { lines, verbose }
    }

    fn say(&self, line: String) {
        // Its thread ends with the process.
        let _ = self.lines.send(line);
    }
}

struct Watcher {
    voice: Voice,
    guest_signals: GuestSignals,
    stop: Arc<Mutex<Stop>>,
}

/// Whether rtx-run was asked to stop, and whether the program has stopped: when both have happened,
/// in whatever order, rtx-run stops itself.
#[derive(Default)]
struct Stop {
    asked: Option<Instant>,
    stopped: bool,
}

/// How long after SIGTSTP the program may take to stop; later it has decided otherwise.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

impl Stop {
    /// Whether it is time. Then nothing is asked any more.
    fn due(&mut self) -> bool {
        let due = self.stopped && self.asked.is_some_and(|at| at.elapsed() < STOP_PATIENCE);
        if due {
            self.asked = None;
        }
        due
    }
}

impl Observer for Watcher {
    fn warn(&self, message: &str) {
        self.voice.say(message.to_owned());
    }

    fn decision(&self, tid: i32, what: &str, reason: &str) {
        if self.voice.verbose {
            self.voice.say(format!("{what} thread {tid}: {reason}"));
        }
    }

    fn guest_signal(&self, signal: i32, sender: i32) {
        if sender != std::process::id() as i32 {
            self.guest_signals.saw(signal, sender);
        }
    }

    fn stopped(&self, stopped: bool) {
        let mut stop = self.stop.lock().expect("nobody panics holding it");
        stop.stopped = stopped;
        if stop.due() {
            stop_self();
        }
    }

    fn started(&self, pid: i32) {
        if self.voice.verbose {
            self.voice.say(format!("the program runs as process {pid}"));
        }
    }
}

/// Stops this process as Ctrl-Z stops one without a handler, so that a shell sees the same; goes on
/// after SIGCONT.
fn stop_self() {
    // SAFETY: the calls change this thread's mask and the disposition of one signal, whose handler
    // (signal-hook's, which stays in the saved action) is put back before anything else runs here.
    unsafe {
        let mut default: libc::sigaction = std::mem::zeroed();
        let mut ours: libc::sigaction = std::mem::zeroed();
        default.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(libc::SIGTSTP, &raw const default, &raw mut ours);
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGTSTP);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
        // To this very thread, so that it takes effect before the next line.
        libc::raise(libc::SIGTSTP);
        libc::sigaction(libc::SIGTSTP, &raw const ours, std::ptr::null_mut());
    }
}

/// Runs a job to its end; the program may open as many files as `open_files` says. When it returns, nothing
/// of the job runs any more.
pub fn run(plan: JobPlan, open_files: Limit) -> Result<JobOutcome, JobError> {
    rtx_runtime::guest::bell::block_child_signal().map_err(JobError::Block)?;
    let local = match plan.boards {
        BoardsSpec::Local(count) => LocalBoards::start(count)?,
        _ => LocalBoards::default(),
    };
    let boards = match &plan.boards {
        BoardsSpec::Remote(boards) => boards.iter().map(ToString::to_string).collect(),
        _ => local.addresses.clone(),
    };
    let control: Arc<Mutex<Option<Control>>> = Arc::default();
    let stop: Arc<Mutex<Stop>> = Arc::default();
    let detach = plan.detach_on_interrupt;
    // A process of another group does not get what a terminal sends to ours.
    let apart = plan.attach.is_some_and(|pid| {
        let group = nix::unistd::getpgid(Some(nix::unistd::Pid::from_raw(pid)));
        group.is_ok_and(|group| group != nix::unistd::getpgrp())
    });
    let on_signal = {
        let (control, stop) = (control.clone(), stop.clone());
        move |event: SignalEvent| pass_on(event, &control, &stop, detach, apart)
    };
    let signals = Signals::listen(Box::new(on_signal))?;
    let voice = Voice::new(plan.verbose);
    let watcher = Watcher {
        voice: voice.clone(),
        guest_signals: signals.guest_signals(),
        stop,
    };
    let policy = plan.policy.name().to_owned();
    let job = Job {
        target: match plan.attach {
            Some(pid) => Target::Attach(pid),
            None => Target::Launch(Program {
                low: plan.pair.is_some(),
                path: plan.program.clone(),
                argv: plan.argv.clone(),
                inherited: Inherited {
                    mask: plan.inherit.mask,
                    ignored: plan.inherit.ignored,
                    closed: plan.inherit.closed,
                    open_files: Some(open_files),
                },
            }),
        },
        pair: plan.pair,
        policy: plan.policy,
        boards: boards
            .into_iter()
            .map(|address| BoardAddress { address })
            .collect(),
        settings: Settings {
            insecure: plan.insecure,
            heartbeat_timeout: Duration::from_millis(plan.settings.heartbeat_timeout_ms),
            stuck_after: Duration::from_millis(plan.settings.stuck_after_ms),
            only_at_points: plan.settings.only_at_points,
            popcorn: matches!(plan.origin, Origin::Popcorn(_)),
            // Nobody would hear of it.
            backtrace_crashes: plan.verbose
                || plan.settings.summary
                || plan.settings.report.is_some(),
            watts: plan.settings.home_watts.map(Watts::pair),
        },
        observer: Box::new(watcher),
    };
    let ready = |reach: Control| {
        if let Err(e) = door::open(reach.clone())
            && voice.verbose
        {
            voice.say(format!("rtx cannot reach this job: {e}"));
        }
        *control.lock().expect("nobody panics holding it") = Some(reach);
    };
    let result = job::run(job, ready).map_err(|e| failed(&e, None))?;
    drop(local);
    let mut report = report(&result, &plan.program, &plan.argv, policy);
    report.origin = plan.origin.name().map(str::to_owned);
    match &result.outcome {
        Ok(ended) => {
            let exit = match ended {
                Ended::Code(code) => Exit::with_code(*code),
                Ended::Signal(signal) => Exit::by_signal(*signal),
                Ended::Detached => Exit::with_code(0),
            };
            report.exit = exit;
            Ok(JobOutcome { exit, report })
        }
        Err(e) => Err(failed(e, Some(report))),
    }
}

fn pass_on(
    event: SignalEvent,
    control: &Mutex<Option<Control>>,
    stop: &Mutex<Stop>,
    detach: bool,
    apart: bool,
) {
    let control = control.lock().expect("nobody panics holding it");
    let Some(control) = &*control else {
        if event.signal != libc::SIGCONT && event.signal != libc::SIGWINCH {
            // The program does not run yet: there is nothing to wait for.
            std::process::exit(128 + event.signal);
        }
        return;
    };
    if event.signal == libc::SIGTSTP {
        stop.lock().expect("nobody panics holding it").asked = Some(Instant::now());
    }
    let to_us = event.forward || (apart && event.sender.is_none());
    if detach && event.signal == libc::SIGINT {
        control.detach();
    } else if to_us && event.signal == libc::SIGQUIT {
        control.dump();
    } else if to_us {
        control.signal(event.signal);
    }
    if event.signal == libc::SIGTSTP && stop.lock().expect("nobody panics holding it").due() {
        stop_self();
    }
}

fn failed(error: &RuntimeError, report: Option<Report>) -> JobError {
    JobError::Failed {
        what: chain(error),
        status: error.exit_code() as u8,
        report: report.map(Box::new),
    }
}

fn crash_report(result: &JobResult, crash: &Crash) -> CrashReport {
    let board = crash
        .board
        .and_then(|id| result.boards.get(usize::from(id) - 1));
    let report = CrashReport {
        tid: crash.tid,
        signal: crash.signal,
        board: board.map(|board| board.name.clone()),
        ..CrashReport::default()
    };
    report.with(crash.backtrace.clone())
}

fn report(
    result: &JobResult,
    program: &std::path::Path,
    argv: &[std::ffi::OsString],
    policy: String,
) -> Report {
    let seconds = |ns: u64| ns as f64 / 1e9;
    let boards = result.boards.iter().enumerate().map(|(i, b)| BoardReport {
        name: b.name.clone(),
        isa: b.isa.clone(),
        address: b.address.clone(),
        threads_s: seconds(result.pager.board_ns.get(i).copied().unwrap_or(0)),
    });
    let threads = result.threads.iter().map(|(tid, c)| ThreadReport {
        tid: *tid,
        home_s: seconds(c.home_ns),
        board_s: seconds(c.board_ns),
        offloads: c.offloads,
        recalls: c.recalls,
        back_migrations: c.back_migrations,
        home_calls: c.home_calls,
    });
    let pages = result.pager.counters;
    Report {
        schema: SCHEMA.to_owned(),
        program: program.to_string_lossy().into_owned(),
        args: argv
            .iter()
            .skip(1)
            .map(|a| a.to_string_lossy().into_owned())
            .collect(),
        origin: None,
        exit: Exit::default(),
        crash: result
            .crash
            .as_ref()
            .map(|crash| crash_report(result, crash)),
        wall_s: result.wall_s,
        policy,
        boards: boards.collect(),
        threads: threads.collect(),
        calls: CallReport::list(&result.stats.calls),
        recall_causes: result.stats.recalls.clone(),
        isa_s: isa_seconds(result),
        crossings: result.threads.iter().map(|(_, c)| c.crossings).sum(),
        stays: result.stats.stays.clone(),
        energy: energy(result),
        pages: Pages {
            read: pages.read,
            write: pages.write,
            upgrade: pages.upgrade,
            invalidated: pages.invalidated,
            prefetched: pages.prefetched,
            zero: result.pager.zero,
            bytes: result.pager.bytes,
        },
        latency_us: LatencyReport {
            fault: result.pager.faults.percentiles(),
            freeze: result.stats.freeze.percentiles(),
            offload: result.stats.offload.percentiles(),
            back_migration: result.stats.back_migration.percentiles(),
            cross_isa: result.stats.crossing.percentiles(),
            to_point: result.stats.to_point.percentiles(),
            from_point: result.stats.from_point.percentiles(),
        },
    }
}

/// What home and the boards took from the wall.
fn energy(result: &JobResult) -> Option<EnergyReport> {
    let at_home: u64 = result.threads.iter().map(|(_, c)| c.home_ns).sum();
    let mut nodes = vec![NodeUse {
        name: "home".to_owned(),
        measured: result.joules,
        watts: result.watts,
        cores: result.cores,
        cpu_s: at_home as f64 / 1e9,
    }];
    for (board, ns) in result.boards.iter().zip(&result.pager.board_ns) {
        let counted = board.told.load.and_then(|load| load.millijoules);
        nodes.push(NodeUse {
            name: board.name.clone(),
            // Home's counters have counted it already.
            measured: counted
                .filter(|_| !board.told.stands_in)
                .map(|mj| mj as f64 / 1000.0),
            watts: board.told.watts,
            cores: board.cores,
            cpu_s: *ns as f64 / 1e9,
        });
    }
    EnergyReport::of(&nodes, result.wall_s)
}

/// Processor time by instruction set.
fn isa_seconds(result: &JobResult) -> BTreeMap<String, f64> {
    let at_home: u64 = result.threads.iter().map(|(_, c)| c.home_ns).sum();
    let mut seconds = BTreeMap::from([(std::env::consts::ARCH.to_owned(), at_home as f64 / 1e9)]);
    for (board, ns) in result.boards.iter().zip(&result.pager.board_ns) {
        *seconds.entry(board.isa.clone()).or_default() += *ns as f64 / 1e9;
    }
    seconds
}
