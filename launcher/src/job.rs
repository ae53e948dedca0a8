//! The seam between the commands and the runtime: a plan in, an outcome out.

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rtx_origin::Origin;
use rtx_runtime::guest::descriptors::Limit;
use rtx_runtime::guest::launch::{Inherited, Program};
use rtx_runtime::home::error::JobError as RuntimeError;
use rtx_runtime::home::job::{self, Control, Job, Observer, Settings, Target};
use rtx_runtime::home::operator::door;
use rtx_runtime::home::supervisor::Ended;
use rtx_runtime::report::{Event, Exit, Gauges, Report, chain};

use crate::agents::{AgentError, Agents, Later, Terms};
use crate::boards::At;
use crate::config::{self, Watts};
use crate::errors::{Explain, status};
use crate::plan::JobPlan;
use crate::program::name_variables;
use crate::reporting::report;
use crate::signals::{GuestSignals, SignalEvent, Signals, SignalsError};
use crate::watch::{self, EventSender, StatusLine, Watch, WatchError};

/// A job that has ended because its program has.
#[derive(Debug)]
pub struct JobOutcome {
    /// How the program ended; `rtx-run` ends the same way.
    pub exit: Exit,
    /// What happened.
    pub report: Report,
    /// What went wrong with watching it.
    pub trouble: Option<WatchError>,
}

/// A job could not begin, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Signals could not be listened for.
    #[error(transparent)]
    Signals(#[from] SignalsError),
    /// The job could not be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// An agent could not be started.
    #[error(transparent)]
    Agent(#[from] AgentError),
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
            Self::Agent(e) => e.fix(),
            Self::Watch(e) => e.fix(),
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
    words: Sender<Words>,
    verbose: bool,
}

enum Words {
    Line(String),
    /// All lines before this are written.
    Written(Sender<()>),
}

impl Voice {
    fn new(verbose: bool) -> Self {
        let (words, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            use std::io::Write;
            for words in receiver {
                // Whether anybody can read it is not our trouble, nor whether somebody still waits.
                let _ = match words {
                    Words::Line(line) => writeln!(std::io::stderr(), "rtx-run: {line}").is_ok(),
                    Words::Written(tell) => tell.send(()).is_ok(),
                };
            }
        });
        Self { words, verbose }
    }

    fn say(&self, line: String) {
        // Its thread ends with the process.
        let _ = self.words.send(Words::Line(line));
    }

    /// Waits until all is written, but not for ever.
    fn end(&self) {
        let (tell, told) = mpsc::channel();
        let _ = self.words.send(Words::Written(tell));
        let _ = told.recv_timeout(LAST_WORDS);
    }
}

struct Watcher {
    voice: Voice,
    events: Option<EventSender>,
    line: Option<StatusLine>,
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

/// How long the last lines may take to be written when the job has ended: stderr may be a pipe that nobody reads.
const LAST_WORDS: Duration = Duration::from_secs(1);

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
            stop_self(self.line.as_ref());
        }
    }

    fn event(&self, event: Event) {
        if let Some(events) = &self.events {
            events.send(event);
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
fn stop_self(line: Option<&StatusLine>) {
    if let Some(line) = line {
        line.clear();
    }
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

/// To be called before any thread exists, and so before a [`JobPlan`] is made. A thread that SIGCHLD reached
/// would take it from those who wait for it: stops of the program would be seen late.
pub fn prepare() -> Result<(), JobError> {
    rtx_runtime::guest::bell::block_child_signal().map_err(JobError::Block)
}

/// Runs a job to its end, after [`prepare`]; the program may open as many files as `open_files` says. When it returns, nothing
/// of the job runs any more.
pub fn run(plan: JobPlan, open_files: Limit) -> Result<JobOutcome, JobError> {
    let gauges: Arc<Gauges> = Arc::default();
    let agents = Agents::start(&plan.boards, Terms::of(&plan.settings))?;
    let here = plan.boards.iter().filter(|board| board.at == At::Here);
    let later = Later::start(here.count() + 1, Terms::of(&plan.settings))?;
    let control: Arc<Mutex<Option<Control>>> = Arc::default();
    let stop: Arc<Mutex<Stop>> = Arc::default();
    let detach = plan.detach_on_interrupt;
    // A process of another group does not get what a terminal sends to ours.
    let apart = plan.attach.is_some_and(|pid| {
        let group = nix::unistd::getpgid(Some(nix::unistd::Pid::from_raw(pid)));
        group.is_ok_and(|group| group != nix::unistd::getpgrp())
    });
    let watching = match plan.settings.is_watched() {
        true => {
            let program = plan.program.to_string_lossy();
            Some(Watch::start(&plan.settings, &program, &gauges)?)
        }
        false => None,
    };
    let line = watching.as_ref().and_then(Watch::line);
    let on_signal = {
        let (control, stop, line) = (control.clone(), stop.clone(), line.clone());
        move |event: SignalEvent| pass_on(event, &control, &stop, line.as_ref(), detach, apart)
    };
    let signals = Signals::listen(Box::new(on_signal))?;
    let voice = Voice::new(plan.verbose);
    let watcher = Watcher {
        voice: voice.clone(),
        guest_signals: signals.guest_signals(),
        events: watching.as_ref().map(Watch::sender),
        line,
        stop,
    };
    if let Some(address) = watching.as_ref().and_then(|watch| watch.metrics.as_ref()) {
        // Who lets the system choose the port wants to know.
        if plan.verbose
            || plan
                .settings
                .metrics
                .as_deref()
                .is_some_and(watch::any_port)
        {
            watcher
                .voice
                .say(format!("metrics at http://{address}/metrics"));
        }
    }
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
        boards: agents.boards.clone(),
        starter: Arc::new(later.starter()),
        settings: Settings {
            popcorn: matches!(plan.origin, Origin::Popcorn(_)),
            ..settings(&plan.settings)
        },
        observer: Box::new(watcher),
        gauges: gauges.clone(),
    };
    let ready = |reach: Control| {
        if let Err(e) = door::open(reach.clone())
            && voice.verbose
        {
            voice.say(format!("rtx cannot reach this job: {e}"));
        }
        *control.lock().expect("nobody panics holding it") = Some(reach);
    };
    let result = job::run(job, ready);
    if let Some(trouble) = plan.recording.and_then(|recording| recording.take()) {
        voice.say(trouble);
    }
    voice.end();
    let exit = match result.as_ref().map(|result| &result.outcome) {
        Ok(Ok(ended)) => Some(match ended {
            Ended::Code(code) => Exit::with_code(*code),
            Ended::Signal(signal) => Exit::by_signal(*signal),
            Ended::Detached => Exit::with_code(0),
        }),
        _ => None,
    };
    let watched = watching.map(|watch| watch.finish(exit));
    drop((agents, later));
    let result = result.map_err(|e| failed(&e, None))?;
    let mut report = report(&result, &plan.program, &plan.argv, policy);
    report.origin = plan.origin.name().map(str::to_owned);
    if plan.settings.report.is_some() {
        // Where a position-independent one was is not known any more.
        name_variables(&mut report.hot_pages, &plan.program, None);
    }
    report.refusals = gauges.refusals().filter(|(_, count)| *count > 0).collect();
    let mut trouble = None;
    if let Some(watched) = watched {
        report.timeline = watched.timeline;
        trouble = watched.trouble;
    }
    match &result.outcome {
        Ok(_) => {
            let exit = exit.expect("it has ended");
            report.exit = exit;
            Ok(JobOutcome {
                exit,
                report,
                trouble,
            })
        }
        Err(e) => Err(failed(e, Some(report))),
    }
}

/// What the runtime is told of the settings; `popcorn` is the program's.
pub fn settings(settings: &config::Settings) -> Settings {
    Settings {
        insecure: settings.insecure,
        connect_timeout: Duration::from_millis(settings.connect_timeout_ms),
        heartbeat_timeout: Duration::from_millis(settings.heartbeat_timeout_ms),
        stuck_after: Duration::from_millis(settings.stuck_after_ms),
        only_at_points: settings.only_at_points,
        popcorn: false,
        // Nobody would hear of it.
        backtrace_crashes: settings.verbose || settings.summary || settings.report.is_some(),
        watts: settings.home_watts.map(Watts::pair),
    }
}

/// An error of the runtime before the program has run.
pub fn refused(error: RuntimeError) -> JobError {
    failed(&error, None)
}

fn pass_on(
    event: SignalEvent,
    control: &Mutex<Option<Control>>,
    stop: &Mutex<Stop>,
    line: Option<&StatusLine>,
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
        stop_self(line);
    }
}

fn failed(error: &RuntimeError, report: Option<Report>) -> JobError {
    JobError::Failed {
        what: chain(error),
        status: error.exit_code() as u8,
        report: report.map(Box::new),
    }
}
