//! One job's session on a board: the thread that serves the replica's pages and calls, and talks to
//! home.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use futures::StreamExt;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::messages::{FromTracer, ToTracer};
use super::points::Asking;
use super::threads::Threads;
use super::tracer::{self, TracerHandle};
use crate::coherence::{Access, NodeId, PAGE_SIZE, Page};
use crate::guest::ptrace::Tid;
use crate::guest::seccomp::Listener;
use crate::guest::stub::Stub;
use crate::memory::address_map::AddressMap;
use crate::memory::uffd::Event;
use crate::memory::watch::{Watch, readable};
use crate::node::{Content, LocalError, LocalMemory, Node, Outcome, Work};
use crate::patience::Patience;
use crate::wire::frame::{Frame, OutFrame};
use crate::wire::inbox::Inbox;
use crate::wire::lookout::Lookout;
use crate::wire::message::{Message, Request, Taken};
use crate::wire::outbox::Outbox;

pub(super) const SIZE: u64 = PAGE_SIZE as u64;

/// Why a session ended other than by home's goodbye.
#[derive(Debug, thiserror::Error)]
pub enum SessionEnd {
    /// Home is gone.
    #[error("the connection to home ended: {0}")]
    Home(String),
    /// This board cannot go on.
    #[error("{0}")]
    Here(String),
}

impl From<LocalError> for SessionEnd {
    fn from(e: LocalError) -> Self {
        SessionEnd::Here(format!("a memory operation on the replica failed: {e}"))
    }
}

/// The replica as this thread works on it.
pub(super) struct Equipped {
    pub node: Node,
    pub calls: Listener,
    pub seed: Tid,
    watched: Watch,
    called: Watch,
}

/// A session's state.
pub struct Session {
    pub(super) outbox: Outbox,
    pub(super) tracer: TracerHandle,
    pub(super) equipped: Option<Equipped>,
    /// What came before the replica was ready.
    backlog: VecDeque<Frame>,
    /// What the replica has mapped, with its protection bits.
    pub(super) mapped: AddressMap<u32>,
    pub(super) threads: Threads,
    pub(super) asking: Asking,
    pub(super) frozen: bool,
    pub(super) events: Vec<Event>,
    outcomes: Vec<Outcome>,
    /// Pages that are waited for: since when, and by which thread.
    pub(super) faults: BTreeMap<Page, (Instant, Tid)>,
    pub(super) fault_times: Vec<u64>,
    over: bool,
    /// This machine's clocks are home's.
    clocks_agree: bool,
    pub(super) patience: Patience,
    /// Why something could not be sent.
    unsent: Option<String>,
}

/// Ends the tracer, and so the replica, when dropped.
struct EndWithSession(TracerHandle);

impl Drop for EndWithSession {
    fn drop(&mut self) {
        self.0.send(ToTracer::End);
    }
}

/// Serves one session to its end. `clocks_agree`: this machine's clocks are home's.
pub async fn serve(mut inbox: Inbox, outbox: Outbox, clocks_agree: bool) -> Result<(), SessionEnd> {
    let (say, mut hear) = unbounded_channel();
    let (tracer, thread) =
        tracer::start(say).map_err(|e| SessionEnd::Here(format!("cannot start a thread: {e}")))?;
    // Whatever happens here, the replica ends with the session.
    let _guard = EndWithSession(tracer.clone());
    let mut session = Session {
        outbox,
        tracer: tracer.clone(),
        equipped: None,
        backlog: VecDeque::new(),
        mapped: AddressMap::new(),
        threads: Threads::default(),
        asking: Asking::default(),
        frozen: false,
        events: Vec::new(),
        outcomes: Vec::new(),
        faults: BTreeMap::new(),
        fault_times: Vec::new(),
        over: false,
        clocks_agree,
        patience: Patience::new(Duration::ZERO, Instant::now()),
        unsent: None,
    };
    let outcome = session.run(&mut inbox, &mut hear).await;
    if let Err(SessionEnd::Here(message)) = &outcome {
        session.say(
            crate::wire::message::Failed {
                message: message.clone(),
            }
            .into(),
        );
    }
    drop(session.equipped.take());
    tracer.send(ToTracer::End);
    let patience = std::time::Duration::from_millis(500);
    let _ = tokio::time::timeout(patience, session.outbox.finish()).await;
    // The replica is gone when its tracer has ended.
    while let Some(message) = hear.recv().await {
        if matches!(message, FromTracer::Gone) {
            break;
        }
    }
    let _ = thread.join();
    outcome
}

impl Session {
    async fn run(
        &mut self,
        inbox: &mut Inbox,
        tracer: &mut UnboundedReceiver<FromTracer>,
    ) -> Result<(), SessionEnd> {
        let mut lookout = Lookout::default();
        while !self.over {
            // While a thread computes here the processor is its.
            let awaits = self.awaits_page();
            let due = self.equipped.as_ref().and_then(|e| e.node.next_due());
            let due = [due, self.patience.next_look()];
            let due = due.into_iter().flatten().min().map_or_else(
                || tokio::time::Instant::now() + std::time::Duration::from_secs(3600),
                tokio::time::Instant::from_std,
            );
            tokio::select! {
                biased;
                message = tracer.recv() => match message {
                    Some(message) => self.on_tracer(message)?,
                    None => return Err(SessionEnd::Here("the tracer thread ended".into())),
                },
                ready = readable(self.equipped.as_ref().map(|e| &e.watched)) => {
                    ready.map_err(|e| SessionEnd::Here(format!("cannot wait for the replica: {e}")))?;
                    self.read_faults()?;
                }
                ready = readable(self.equipped.as_ref().map(|e| &e.called)) => {
                    ready.map_err(|e| SessionEnd::Here(format!("cannot wait for the replica: {e}")))?;
                    self.read_calls(tracer)?;
                }
                frame = inbox.next() => match frame {
                    Some(Ok(frame)) => self.on_frame(frame)?,
                    Some(Err(e)) => return Err(SessionEnd::Home(e.to_string())),
                    None => return Err(SessionEnd::Home("connection closed".into())),
                },
                () = tokio::time::sleep_until(due) => {
                    if let Some(equipped) = &mut self.equipped {
                        equipped.node.due();
                    }
                    self.look_for_stuck(Instant::now());
                }
                () = tokio::task::yield_now(), if awaits && lookout.goes_on() => continue,
            }
            if awaits {
                lookout.found();
            }
            self.settle()?;
            lookout.handled();
            if let Some(why) = self.unsent.take() {
                return Err(SessionEnd::Home(why));
            }
        }
        Ok(())
    }

    /// Whether a page is on its way to a thread that waits for it.
    fn awaits_page(&self) -> bool {
        let table = self.equipped.as_ref().map(|e| &e.node.table);
        table.is_some_and(|t| t.outstanding_pages().next().is_some())
    }

    /// Sends a frame. What cannot be sent is lost, so the session ends then.
    fn push(&mut self, frame: OutFrame) {
        if let Err(e) = self.outbox.push(frame) {
            self.unsent.get_or_insert(crate::report::chain(&e));
        }
    }

    /// Says something to home.
    pub(super) fn say(&mut self, message: Message) {
        self.push(OutFrame::from(message));
    }

    fn on_frame(&mut self, frame: Frame) -> Result<(), SessionEnd> {
        match &frame.message {
            Message::Prepare(prepare) => {
                let limit = Duration::from_millis(prepare.stuck_after_ms);
                self.patience = Patience::new(limit, Instant::now());
                self.asking.points = prepare.points;
                self.tracer.send(ToTracer::Prepare {
                    stub: Stub(prepare.stub_address),
                    // Only what stands in for home's vDSO reads them, which is of home's ISA.
                    clocks_agree: self.clocks_agree && !self.asking.foreign(),
                });
                Ok(())
            }
            Message::Describe(_) => {
                self.describe();
                Ok(())
            }
            Message::Bye(_) => {
                self.over = true;
                Ok(())
            }
            Message::Freeze(_) | Message::Thaw(_) => {
                self.patience.resumed(Instant::now());
                self.freeze(matches!(frame.message, Message::Freeze(_)))
            }
            _ if self.equipped.is_none() => {
                self.backlog.push_back(frame);
                Ok(())
            }
            _ => self.on_home(frame),
        }
    }

    pub(super) fn on_tracer(&mut self, message: FromTracer) -> Result<(), SessionEnd> {
        match message {
            FromTracer::Ready(fds, replica) => {
                let failed =
                    |e: std::io::Error| SessionEnd::Here(format!("cannot watch the replica: {e}"));
                let calls = Listener::new(fds.calls).map_err(failed)?;
                let watched = Watch::new(fds.uffd.as_fd()).map_err(failed)?;
                let called = Watch::new(calls.fd()).map_err(failed)?;
                let pid = nix::unistd::Pid::from_raw(replica.pid);
                let memory = LocalMemory::new(pid, replica.stub, fds.uffd, fds.helper)?;
                self.equipped = Some(Equipped {
                    // Any board is alike to its own table; home tells them apart.
                    node: Node::new(NodeId(1), memory),
                    calls,
                    seed: replica.seed,
                    watched,
                    called,
                });
                for frame in std::mem::take(&mut self.backlog) {
                    self.on_home(frame)?;
                    self.settle()?;
                }
                Ok(())
            }
            FromTracer::Started { thread, vessel } => {
                self.threads.started(thread, vessel);
                self.say(
                    crate::wire::message::Started {
                        thread: thread as u32,
                    }
                    .into(),
                );
                Ok(())
            }
            FromTracer::Stopped {
                thread,
                vessel,
                registers,
                extended,
                cpu_ns,
            } => {
                self.send_fault_times();
                self.hand_over(thread, vessel, *registers, extended, cpu_ns)
            }
            FromTracer::Fault {
                thread,
                signal,
                code,
                address,
            } => self.on_fault_signal(thread, signal, code, address),
            FromTracer::Looked { thread, snapshot } => {
                self.say_trace(thread, snapshot);
                Ok(())
            }
            FromTracer::Usage { token, used } => {
                self.say_usage(token, &used);
                Ok(())
            }
            FromTracer::Failed(why) => Err(SessionEnd::Here(why)),
            FromTracer::Gone => Err(SessionEnd::Here("the replica ended".into())),
        }
    }

    /// Carries out what the node's table wants, and tells home.
    pub(super) fn settle(&mut self) -> Result<(), SessionEnd> {
        loop {
            let Some(equipped) = &mut self.equipped else {
                return Ok(());
            };
            let work = equipped.node.work(&mut self.outcomes)?;
            for outcome in std::mem::take(&mut self.outcomes) {
                self.report(outcome);
            }
            match work {
                Work::Done => break,
                Work::More => {}
                Work::Busy => std::thread::yield_now(),
            }
        }
        self.send_many_fault_times();
        Ok(())
    }

    fn report(&mut self, outcome: Outcome) {
        let frame = match outcome {
            Outcome::Request {
                page,
                access,
                window,
            } => {
                let Some(window) = self.clip(page, window) else {
                    return;
                };
                OutFrame::from(Request {
                    page,
                    write: access == Access::Write,
                    window,
                    thread: self.faults.get(&page).map_or(0, |(_, tid)| *tid as u32),
                })
            }
            Outcome::Taken { pages, deferred } => Taken::frame(
                deferred,
                pages
                    .into_iter()
                    .map(|(tag, content)| (tag, Content::to_wire(content))),
            ),
            Outcome::Refused { tag } => OutFrame::from(Taken::refusal(tag)),
        };
        self.push(frame);
    }

    /// How far a window from `page` may reach within what is mapped.
    fn clip(&self, page: Page, window: u32) -> Option<u32> {
        let (range, _) = self.mapped.get_range(page * SIZE)?;
        Some((range.end / SIZE - page).min(u64::from(window)) as u32)
    }
}
