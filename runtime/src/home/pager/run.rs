//! The pager's thread: its start, its loop, its end.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::os::fd::AsFd;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use futures::FutureExt;
use futures::stream::{SelectAll, StreamExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::boards::Retries;
use super::dump::Unanswered;
use super::heat::Heat;
use super::joining::{Joining, Roster};
use super::link::{self, FromBoard, Link};
use super::moves::Moving;
use super::sweep::Sweeps;
use super::traffic::Traffic;
use super::{Mapped, PagerError, Share, Staged};
use crate::coherence::{Counters, Directory, Leave, NodeId, Page};
use crate::continuations::Pair;
use crate::guest::ptrace::Tid;
use crate::guest::stub::PAGE_SIZE;
use crate::home::error::JobError;
use crate::home::job::{BoardFacts, Control, Settings};
use crate::home::messages::{BoardId, SharedMemory, ToPager, ToSupervisor};
use crate::home::operator::Reply;
use crate::home::prices::Faults;
use crate::memory::address_map::AddressMap;
use crate::memory::maps::Maps;
use crate::memory::remote::Memory;
use crate::memory::uffd::Event;
use crate::memory::watch::{Watch, readable};
use crate::node::{LocalMemory, Node};
use crate::patience::Patience;
use crate::report::{Gauges, HotPage, Latency, Pages, RecallCause};
use crate::wire::lookout::Lookout;
use crate::wire::message::{AskUsage, Bye, CallReply, Freeze, Recall, Thaw};
use crate::wire::secret::Secret;

/// Where a board is, and what the user says about it.
#[derive(Clone, Debug, Default)]
pub struct BoardAddress {
    /// As `HOST:PORT`.
    pub address: String,
    /// What it was told when it was started for this job.
    pub secret: Option<Secret>,
    /// What to call it, instead of what it calls itself.
    pub name: Option<String>,
    /// Threads that it is to get at most, beside what it says itself.
    pub slots: Option<u32>,
    /// Labels for policies, by name, beside those it has itself.
    pub labels: BTreeMap<String, String>,
    /// What it takes from the wall in watts, idle and busy.
    pub watts: Option<(f64, f64)>,
}

/// What the pager adds to the report.
#[derive(Default)]
pub struct PagerReport {
    pub counters: Counters,
    /// Pages that travelled as a flag.
    pub zero: u64,
    /// Bytes of page content on the wire, both ways.
    pub bytes: u64,
    /// Remote faults as boards' threads saw them.
    pub faults: Latency,
    /// CPU nanoseconds of threads on each board.
    pub board_ns: Vec<u64>,
    /// Pages over which nodes fight, the worst first.
    pub hot: Vec<HotPage>,
}

/// As many of those are in a report.
const HOTTEST: usize = 32;
/// As many are told to who looks at a running job.
const HOTTEST_NOW: usize = 8;

/// One board's session.
pub(super) struct Board {
    pub link: Link,
    pub alive: bool,
    pub lost: Option<String>,
    pub prepared: bool,
    pub mapped: AddressMap<Mapped>,
    pub retries: Retries,
    /// Pages from which on code has gone ahead of a thread. The board may have lost them again: then it
    /// asks for them.
    pub code_sent: HashSet<Page>,
    /// Why threads that are told not to try again must be at home.
    pub refused: HashMap<Tid, RecallCause>,
    pub staged: VecDeque<Staged>,
    pub cpu_ns: u64,
    /// How long its threads waited for pages since that was last told.
    pub faults_lately: Faults,
    pub facts: BoardFacts,
}

impl Board {
    pub fn new(link: Link, facts: BoardFacts) -> Board {
        Board {
            link,
            alive: true,
            lost: None,
            prepared: false,
            mapped: AddressMap::new(),
            retries: Retries::default(),
            code_sent: HashSet::new(),
            refused: HashMap::new(),
            staged: VecDeque::new(),
            cpu_ns: 0,
            faults_lately: Faults::default(),
            facts,
        }
    }
}

/// The pager's state.
pub struct Pager {
    pub(super) boards: Vec<Board>,
    pub(super) roster: Roster,
    /// The program's files, if it is of rtx-cc.
    pub(super) pair: Option<Arc<Pair>>,
    pub(super) share: Option<Share>,
    pub(super) events: Vec<Event>,
    pub(super) pinned_tokens: Vec<u64>,
    /// The helper moves a mapping.
    pub(super) moving: Option<Moving>,
    pub(super) faults: Latency,
    pub(super) heat: Heat,
    pub(super) gauges: Arc<Gauges>,
    pub(super) traffic: Traffic,
    /// The job cannot go on: nothing is served any more, and threads that wait for a page wait until
    /// the supervisor has ended them.
    pub(super) doomed: bool,
    /// Threads are stopped by job control.
    pub(super) frozen: bool,
    /// Boards that leave.
    pub(super) leaving: Vec<Leave>,
    /// Boards that are being reached.
    pub(super) joining: Joining,
    pub(super) settings: Settings,
    pub(super) patience: Patience,
    pub(super) unanswered: Unanswered,
    counters: Counters,
    supervisor: Control,
}

/// A running pager.
pub struct PagerHandle {
    /// Its queue.
    pub sender: UnboundedSender<ToPager>,
    thread: JoinHandle<PagerReport>,
}

impl PagerHandle {
    /// Waits for its end, which [`ToPager::Finish`] brings.
    pub fn join(self) -> PagerReport {
        match self.thread.join() {
            Ok(report) => report,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Reaches all boards and starts the pager.
pub fn start(
    roster: Roster,
    pair: Option<Arc<Pair>>,
    settings: Settings,
    supervisor: Control,
    gauges: Arc<Gauges>,
) -> Result<(PagerHandle, Vec<BoardFacts>), JobError> {
    let (sender, inbox) = unbounded_channel();
    let (report, reached) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new()
        .name("rtx-pager".into())
        .spawn(move || run(roster, pair, settings, supervisor, gauges, inbox, &report))
        .map_err(|e| JobError::Kernel("start a thread", e))?;
    match reached.recv() {
        Ok(Ok(facts)) => Ok((PagerHandle { sender, thread }, facts)),
        Ok(Err(e)) => Err(e),
        Err(_) => Err(JobError::Pager("its thread ended".into())),
    }
}

fn run(
    roster: Roster,
    pair: Option<Arc<Pair>>,
    settings: Settings,
    supervisor: Control,
    gauges: Arc<Gauges>,
    inbox: UnboundedReceiver<ToPager>,
    report: &std::sync::mpsc::Sender<Result<Vec<BoardFacts>, JobError>>,
) -> PagerReport {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => {
            let _ = report.send(Err(JobError::Kernel("start a runtime", e)));
            return PagerReport::default();
        }
    };
    runtime.block_on(async {
        let reached = match link::reach(&roster.addresses, pair.clone(), settings).await {
            Ok(reached) => reached,
            Err(e) => {
                let _ = report.send(Err(e));
                return PagerReport::default();
            }
        };
        let _ = report.send(Ok(reached
            .iter()
            .map(|(_, _, facts)| facts.clone())
            .collect()));
        let mut streams = SelectAll::new();
        let mut boards = Vec::new();
        for (id, (link, stream, facts)) in (1..).zip(reached) {
            streams.push(stream.map(move |message| (id, message)).boxed());
            boards.push(Board::new(link, facts));
        }
        let mut pager = Pager {
            boards,
            roster,
            pair,
            share: None,
            events: Vec::new(),
            pinned_tokens: Vec::new(),
            moving: None,
            faults: Latency::new(),
            heat: Heat::default(),
            gauges,
            traffic: Traffic::default(),
            doomed: false,
            frozen: false,
            leaving: Vec::new(),
            joining: Joining::default(),
            settings,
            patience: Patience::new(settings.stuck_after, std::time::Instant::now()),
            unanswered: Unanswered::default(),
            counters: Counters::default(),
            supervisor,
        };
        let mut inbox = inbox;
        let outcome = AssertUnwindSafe(pager.run(&mut inbox, streams))
            .catch_unwind()
            .await;
        let failure = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(e)) => Some(e.to_string()),
            Err(_) => Some("an invariant of rtx does not hold".into()),
        };
        if let Some(failure) = failure {
            // The userfaultfd stays open until the program is gone: closed, it would let threads
            // that wait for a page run on with zeros.
            pager.notify(ToSupervisor::PagerFailed(failure));
            while !matches!(inbox.recv().await, None | Some(ToPager::Finish)) {}
        }
        pager.keep_counters();
        PagerReport {
            counters: pager.counters,
            zero: pager.traffic.zero,
            bytes: pager.traffic.bytes,
            hot: pager.hottest(HOTTEST),
            faults: pager.faults,
            board_ns: pager.boards.iter().map(|b| b.cpu_ns).collect(),
        }
    })
}

pub(super) type Streams = SelectAll<futures::stream::BoxStream<'static, (BoardId, FromBoard)>>;

impl Pager {
    async fn run(
        &mut self,
        inbox: &mut UnboundedReceiver<ToPager>,
        mut boards: Streams,
    ) -> Result<(), PagerError> {
        let mut watched: Option<Watch> = None;
        let mut lookout = Lookout::default();
        let mut calls: Option<Watch> = None;
        loop {
            // Boards ask in quick succession; the program's own threads need the processor themselves.
            let mut asked = false;
            let due = self.share.as_ref().and_then(|s| s.node.next_due());
            let due = [due, self.patience.next_look()];
            let due = due.into_iter().flatten().min().map_or_else(
                || Instant::now() + Duration::from_secs(3600),
                Instant::from_std,
            );
            tokio::select! {
                biased;
                ready = readable(watched.as_ref()) => {
                    ready.map_err(|e| PagerError::Other(format!("cannot wait for the program's faults: {e}")))?;
                    self.read_events()?;
                }
                ready = readable(calls.as_ref()) => {
                    ready.map_err(|e| PagerError::Other(format!("cannot wait for the program's calls: {e}")))?;
                    if !self.read_unseen()? {
                        calls = None;
                    }
                }
                Some((token, reached)) = self.joining.next(), if !self.joining.is_empty() => {
                    self.joined(token, reached, &mut boards);
                }
                Some((board, message)) = boards.next() => {
                    asked = true;
                    self.on_link(board, message)?;
                }
                message = inbox.recv() => match message {
                    None | Some(ToPager::Finish) => {
                        self.finish().await;
                        return Ok(());
                    }
                    Some(ToPager::Share(shared)) => {
                        calls = Some(Watch::new(shared.interception.as_fd()).map_err(|e| {
                            PagerError::Other(format!("cannot watch the program's calls: {e}"))
                        })?);
                        watched = Some(self.share(*shared)?);
                    }
                    Some(ToPager::Unshare) => {
                        (watched, calls) = (None, None);
                        self.keep_counters();
                        self.unshare();
                        self.say_goodbye();
                    }
                    Some(message) => self.on_supervisor(message)?,
                },
                () = tokio::time::sleep_until(due) => {
                    if let Some(share) = &mut self.share {
                        share.node.due();
                    }
                    self.look_for_stuck(std::time::Instant::now());
                }
                () = tokio::task::yield_now(), if lookout.goes_on() => continue,
            }
            if asked {
                lookout.found();
            }
            self.settle()?;
            self.publish();
            if asked {
                lookout.handled();
            }
            if self.share.is_none() {
                // Nobody makes calls any more; should somebody live, the keeper lets them through.
                calls = None;
            }
        }
    }

    fn share(&mut self, shared: SharedMemory) -> Result<Watch, PagerError> {
        let other = |what: &str, e: &dyn std::fmt::Display| {
            PagerError::Other(format!("cannot {what}: {e}"))
        };
        let pid = nix::unistd::Pid::from_raw(shared.memory);
        let watched =
            Watch::new(shared.uffd.as_fd()).map_err(|e| other("watch the program's memory", &e))?;
        let mut memory = LocalMemory::new(pid, shared.stub, shared.uffd, shared.helper)?;
        memory.uffd_there = shared.uffd_there;
        if shared.direct && !memory.watch_pins()? {
            let why = "the program has files open for direct I/O, and pages cannot be moved";
            return Err(PagerError::Other(why.into()));
        }
        let mut reserved = AddressMap::new();
        reserved.insert(shared.reserved, ());
        self.share = Some(Share {
            pid: shared.memory,
            reserved,
            pair: self.pair.clone(),
            program: std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default(),
            node: Node::new(NodeId::HOME, memory),
            directory: Directory::new(),
            memory: Memory::open(pid).map_err(|e| other("open the program's memory", &e))?,
            maps: Maps::open(pid).map_err(|e| other("read the program's mappings", &e))?,
            registered: AddressMap::new(),
            vdso: None,
            interception: shared.interception,
            freezing: shared.freezing,
            beyond: Vec::new(),
            pinned: Vec::new(),
            barriers: Default::default(),
            ever_shared: Default::default(),
            actions: VecDeque::new(),
            scratch: Vec::new(),
            outcomes: Vec::new(),
            sweeps: Sweeps::default(),
            gather: Default::default(),
            converting: Default::default(),
        });
        Ok(watched)
    }

    fn on_link(&mut self, board: BoardId, message: FromBoard) -> Result<(), PagerError> {
        match message {
            FromBoard::Said(message) if self.boards[usize::from(board) - 1].alive => {
                self.on_board(board, message)
            }
            FromBoard::Said(_) => Ok(()),
            FromBoard::Load(load, round_trip) => {
                let lately = &mut self.boards[usize::from(board) - 1].faults_lately;
                let faults = std::mem::take(lately);
                self.notify(ToSupervisor::Load {
                    board,
                    load,
                    round_trip,
                    faults,
                });
                Ok(())
            }
            FromBoard::Lost(reason) => {
                self.lose(board, &reason);
                self.on_barrier(board, None)
            }
        }
    }

    fn on_supervisor(&mut self, message: ToPager) -> Result<(), PagerError> {
        match message {
            ToPager::Start {
                board,
                tid,
                begin,
                call,
            } => {
                return self.start_thread(board, tid, begin, call);
            }
            ToPager::Recall {
                board,
                tid,
                at_point,
            } => self.stage(
                board,
                Staged::Other(
                    Recall {
                        thread: tid as u32,
                        at_point,
                    }
                    .into(),
                ),
            ),
            ToPager::Reply {
                board,
                tid,
                seq,
                result,
            } => {
                // Its shadow is done with what the call worked on.
                if let Some(share) = &mut self.share {
                    share.node.thread_rests(tid as u32);
                }
                self.stage(
                    board,
                    Staged::Other(
                        CallReply {
                            thread: tid as u32,
                            seq,
                            result,
                        }
                        .into(),
                    ),
                );
            }
            ToPager::Answer { call, result } => return self.answer_call(&call, result),
            ToPager::LetThrough { call } => return self.let_through(&call),
            ToPager::AskUsage { board, token } => {
                self.stage(board, Staged::Other(AskUsage { token }.into()))
            }
            ToPager::Reserve { start, end } => {
                if let Some(share) = &mut self.share {
                    share.reserved.insert(start..end, ());
                }
            }
            ToPager::Remapped { start, end } => return self.on_remap_call(start, end),
            ToPager::Pin { token, addresses } => self.pin(token, &addresses),
            ToPager::Unpin { token } => self.unpin(token),
            ToPager::FetchAll { token } => self.fetch_all(token),
            ToPager::Gather { token } => self.gather(token),
            ToPager::Scatter { token } => return self.scatter(token),
            ToPager::FillChild { child } => return self.fill_child(child),
            ToPager::Converted { addr } => return self.on_converted(addr),
            ToPager::Describe => self.describe(),
            ToPager::Look { mut status, reply } => {
                // Of a program that was executed since, these would be other pages.
                if self.share.is_some() {
                    status.hot_pages = self.hottest(HOTTEST_NOW);
                }
                // Who has stopped waiting does not hear it.
                let _ = reply.send(Reply::Status(status));
            }
            ToPager::Freeze(on) => {
                self.frozen = on;
                self.patience.resumed(std::time::Instant::now());
                for board in 1..=self.boards.len() as BoardId {
                    let message = if on { Freeze {}.into() } else { Thaw {}.into() };
                    self.stage(board, Staged::Other(message));
                }
            }
            ToPager::Reach { token, address } => self.reach(token, address),
            ToPager::Release { board } => self.release(board),
            ToPager::Freezing => return self.drive_out(),
            ToPager::Share(_) | ToPager::Unshare | ToPager::Finish => {
                unreachable!("handled by the loop")
            }
        }
        Ok(())
    }

    /// Tells the supervisor.
    pub(super) fn notify(&self, message: ToSupervisor) {
        self.supervisor.send(message);
    }

    fn keep_counters(&mut self) {
        if let Some(share) = &self.share {
            self.counters = share.directory.counters();
        }
    }

    /// Lets others see the counters.
    fn publish(&self) {
        let away = self.share.as_ref().map_or(0, |s| s.directory.away());
        self.gauges.set_away(away * PAGE_SIZE);
        let Some(share) = &self.share else { return };
        let counters = share.directory.counters();
        self.gauges.set_pages(&Pages {
            read: counters.read,
            write: counters.write,
            upgrade: counters.upgrade,
            invalidated: counters.invalidated,
            prefetched: counters.prefetched,
            zero: self.traffic.zero,
            bytes: self.traffic.bytes,
        });
        self.gauges.set_again(self.traffic.again);
    }

    fn say_goodbye(&mut self) {
        for board in 1..=self.boards.len() as BoardId {
            self.stage(
                board,
                Staged::Other(
                    Bye {
                        reason: String::new(),
                    }
                    .into(),
                ),
            );
        }
        self.send_staged();
        for board in &mut self.boards {
            board.alive = false;
        }
    }

    fn unshare(&mut self) {
        if let Some(mut share) = self.share.take() {
            share.node.memory.close_there();
        }
    }

    /// The end: boards are told, and what they still have to hear gets a moment to leave.
    async fn finish(&mut self) {
        self.keep_counters();
        self.unshare();
        self.say_goodbye();
        for board in &mut self.boards {
            let _ = tokio::time::timeout(Duration::from_millis(200), board.link.drain()).await;
        }
    }
}
