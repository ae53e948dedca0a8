//! Watching a job while it runs: `--events`, `--metrics`, `--progress` and the report's timeline.
//!
//! One thread receives the job's events in their order and hands them to all of these. The job only sends; it never
//! waits for what becomes of them. [`events`] writes them down, [`metrics`] answers Prometheus, [`progress`] draws
//! a line on the terminal.

mod events;
mod metrics;
mod progress;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rtx_runtime::report::timeline::{Counts, Recorder, granted};
use rtx_runtime::report::{Event, Exit, Gauges, Timeline};

use crate::config::Settings;
use crate::errors::Explain;
use events::EventFile;
use metrics::Server;
pub use metrics::any_port;
pub use progress::StatusLine;

/// How often load is sampled and the line drawn.
const INTERVAL: Duration = Duration::from_millis(100);

/// Events that wait to be looked at; more are left out, and counted.
const MOST_WAITING: usize = 65_536;

/// A job cannot be watched as the user wants it.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// Events cannot be written.
    #[error("cannot write events to '{}'", path.display())]
    Events {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The address for metrics means nothing.
    #[error("the address for metrics \"{address}\" is not PORT or ADDRESS:PORT")]
    Address {
        /// What was given.
        address: String,
    },
    /// Metrics cannot be served.
    #[error("cannot serve metrics at {address}")]
    Metrics {
        /// Where.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// A thread could not be started.
    #[error("cannot start a thread to watch the job")]
    Thread(#[source] io::Error),
}

impl Explain for WatchError {
    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Events { .. } => {
                "Check the path after --events, the permissions of its directory and the space there"
                    .to_owned()
            }
            Self::Address { .. } => "Give for instance --metrics 9100".to_owned(),
            Self::Metrics { .. } => "Choose another port, or end what uses it".to_owned(),
            Self::Thread(_) => "Look at the limits of processes: ulimit -u".to_owned(),
        })
    }
}

/// What those who are asked at any time answer from.
#[derive(Debug, Default)]
struct Shown {
    threads: BTreeMap<String, u64>,
    counts: Counts,
}

/// A job is being watched.
pub struct Watch {
    sender: EventSender,
    thread: JoinHandle<Watched>,
    line: Option<StatusLine>,
    _server: Option<Server>,
    /// Where metrics are served.
    pub metrics: Option<String>,
}

/// Sends what happens.
#[derive(Clone)]
pub struct EventSender {
    queue: SyncSender<Message>,
    left_out: Arc<AtomicU64>,
}

impl EventSender {
    /// Never waits: what nobody keeps up with (a pipe that is not read) is left out.
    pub fn send(&self, event: Event) {
        // The receiver is there until the job is over.
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Message::Event(event)) {
            self.left_out.fetch_add(1, Relaxed);
        }
    }
}

enum Message {
    Event(Event),
    End(Option<Exit>),
}

/// What is left of it.
pub struct Watched {
    /// Where threads were when.
    pub timeline: Timeline,
    /// What went wrong on the way.
    pub trouble: Option<WatchError>,
}

impl Watch {
    /// Begins, before the program runs.
    pub fn start(
        settings: &Settings,
        program: &str,
        gauges: &Arc<Gauges>,
    ) -> Result<Self, WatchError> {
        let events = match &settings.events {
            Some(path) => Some(EventFile::create(path, program)?),
            None => None,
        };
        let shown: Arc<Mutex<Shown>> = Arc::default();
        let server = match &settings.metrics {
            Some(address) => Some(Server::start(address, &shown, gauges)?),
            None => None,
        };
        let line = settings.progress.then(StatusLine::on_stderr).flatten();
        let (queue, receiver) = sync_channel(MOST_WAITING);
        let left_out: Arc<AtomicU64> = Arc::default();
        let mut watcher = Watcher {
            recorder: Recorder::default(),
            events,
            line: line.clone(),
            shown,
            gauges: gauges.clone(),
            begun: Instant::now(),
            last: None,
            left_out: left_out.clone(),
            trouble: None,
        };
        let thread = std::thread::Builder::new()
            .name("rtx-watch".into())
            .spawn(move || {
                let exit = watcher.run(&receiver);
                watcher.finish(exit)
            })
            .map_err(WatchError::Thread)?;
        Ok(Self {
            sender: EventSender { queue, left_out },
            thread,
            line,
            metrics: server.as_ref().map(|server| server.address.to_string()),
            _server: server,
        })
    }

    /// Where to send events.
    pub fn sender(&self) -> EventSender {
        self.sender.clone()
    }

    /// The line on the terminal.
    pub fn line(&self) -> Option<StatusLine> {
        self.line.clone()
    }

    /// The job is over; `exit`: how the program ended.
    pub fn finish(self, exit: Option<Exit>) -> Watched {
        // The thread ends by this message only.
        let _ = self.sender.queue.send(Message::End(exit));
        match self.thread.join() {
            Ok(watched) => watched,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// The thread's state.
struct Watcher {
    recorder: Recorder,
    events: Option<EventFile>,
    line: Option<StatusLine>,
    shown: Arc<Mutex<Shown>>,
    gauges: Arc<Gauges>,
    begun: Instant,
    /// When the last sample was taken, and the pages and bytes until then.
    last: Option<(Instant, u64, u64)>,
    left_out: Arc<AtomicU64>,
    trouble: Option<WatchError>,
}

impl Watcher {
    fn run(&mut self, receiver: &Receiver<Message>) -> Option<Exit> {
        let mut next = Instant::now() + INTERVAL;
        loop {
            let left = next.saturating_duration_since(Instant::now());
            match receiver.recv_timeout(left) {
                Ok(Message::Event(event)) => {
                    self.recorder.take(&event);
                    self.write(|file| file.write(&event));
                }
                Ok(Message::End(exit)) => return exit,
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            if now >= next {
                self.look(now);
                // Not to catch up after a time in which nothing ran.
                next = now + INTERVAL;
            }
        }
    }

    /// Writes events until it fails; that is told at the end.
    fn write(&mut self, write: impl FnOnce(&mut EventFile) -> Result<(), WatchError>) {
        let Some(file) = &mut self.events else { return };
        if let Err(error) = write(file) {
            self.trouble = Some(error);
            self.events = None;
        }
    }

    fn look(&mut self, now: Instant) {
        let pages = self.gauges.pages();
        let t_s = now.duration_since(self.begun).as_secs_f64();
        self.recorder.sample(t_s, &pages);
        self.write(EventFile::flush);
        let threads = self.recorder.threads();
        let (total, bytes) = (granted(&pages), pages.bytes);
        if let Some(line) = &self.line {
            let (since, pages, sent) = self.last.unwrap_or((self.begun, 0, 0));
            let seconds = now.duration_since(since).as_secs_f64().max(1e-3);
            let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
            let text = progress::text(t_s, &threads, rate(total, pages), rate(bytes, sent));
            line.draw(&text);
        }
        self.last = Some((now, total, bytes));
        *self.shown.lock().expect("nobody panics holding it") = Shown {
            threads,
            counts: self.recorder.counts().clone(),
        };
    }

    fn finish(mut self, exit: Option<Exit>) -> Watched {
        self.look(Instant::now());
        let t_s = self.begun.elapsed().as_secs_f64();
        let left_out = self.left_out.load(Relaxed);
        self.write(|file| file.end(t_s, exit, left_out));
        if let Some(line) = &self.line {
            line.clear();
        }
        let mut timeline = self.recorder.finish(t_s);
        timeline.events_left_out = left_out;
        Watched {
            timeline,
            trouble: self.trouble,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtx_runtime::report::What;

    /// A pipe that nobody reads, from some point on.
    #[test]
    fn who_does_not_keep_up_holds_nobody_up() {
        let (queue, receiver) = sync_channel(2);
        let sender = EventSender {
            queue,
            left_out: Arc::default(),
        };
        for tid in 0..5 {
            sender.send(Event {
                t_s: 0.0,
                tid,
                what: What::Born,
            });
        }
        assert_eq!(sender.left_out.load(Relaxed), 3);
        assert_eq!(receiver.try_iter().count(), 2);
    }
}
