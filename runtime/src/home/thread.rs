//! One thread of the guest, as the supervisor knows it.

use std::time::{Duration, Instant};

use rtx_policies::AtSync;

use super::foreign::{Beneath, Leaving, Translating, What};
use super::handlers::Handler;
use super::messages::{BoardId, Context};
use crate::guest::ptrace::{Signals, Tid};
use crate::guest::robust::Walk;
use crate::report::RecallCause;
use crate::wire::message::Jump;

/// What the report says of a thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters {
    /// CPU nanoseconds at home, measured at home.
    pub home_ns: u64,
    /// CPU nanoseconds on boards, measured there.
    pub board_ns: u64,
    /// Times it was sent to a board.
    pub offloads: u64,
    /// Times it went on in another ISA.
    pub crossings: u64,
    /// Times its context came back.
    pub recalls: u64,
    /// Synchronisation calls that home's kernel completed for it.
    pub back_migrations: u64,
    /// Calls its shadow made.
    pub home_calls: u64,
    /// Page faults on boards.
    pub faults: u64,
}

impl Counters {
    /// Adds another thread's.
    pub fn add(&mut self, other: &Counters) {
        self.home_ns += other.home_ns;
        self.board_ns += other.board_ns;
        self.offloads += other.offloads;
        self.crossings += other.crossings;
        self.recalls += other.recalls;
        self.back_migrations += other.back_migrations;
        self.home_calls += other.home_calls;
        self.faults += other.faults;
    }
}

/// A home call on its way.
#[derive(Clone, Copy, Debug)]
pub struct PendingCall {
    pub seq: u32,
    pub nr: i64,
    pub args: [u64; 6],
    pub since: Instant,
    pub state: CallState,
    /// What the shadow left the kernel with when a stop drove it out of the call, to make it again.
    pub left: Option<i64>,
    /// Of a foreign thread: its stack pointer there.
    pub sp: u64,
    /// Of a foreign thread: signals that come before what is next, the call's beginning or its result, because they
    /// were there first. `None`: no handler has run since the call came.
    pub owed: Option<Signals>,
}

/// How far a home call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    /// Boards have to tell something first.
    Asking { token: u64 },
    /// The shadow has not begun it.
    Waiting,
    /// The shadow is in it.
    Running,
    /// It returned this, and the board does not know yet.
    Done(i64),
}

/// What the shadow of an offloaded thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shadow {
    /// It waits in the stub's park loop.
    Parked,
    /// It was asked to stop.
    Interrupting,
    /// It makes a home call.
    Calling,
    /// It is stopped and about to be delivered this signal (0: none) once the context is here.
    Held(i32),
    /// It is stopped with the whole process.
    GroupStopped,
}

/// An offloaded thread.
pub struct Away {
    pub board: BoardId,
    /// Its registers there are of another ISA: it comes home at an equivalence point.
    pub foreign: bool,
    /// It was asked to come to one, then.
    pub asked: Option<Instant>,
    /// Since when it was to leave for the board, until it runs there.
    pub crossing: Option<Instant>,
    /// When it had parked for that.
    pub parked: Option<Instant>,
    /// What that took.
    pub crossed_in: Duration,
    pub shadow: Shadow,
    pub call: Option<PendingCall>,
    /// Its context, back but not yet restored.
    pub context: Option<Box<Context>>,
    /// Home asked for the context, because of this.
    pub recalling: Option<RecallCause>,
    /// When it did.
    pub recalled: Option<Instant>,
    /// The policy wants it home when its home call has returned.
    pub returns_then: bool,
    /// What it has used there, as far as the board has told, in nanoseconds.
    pub cpu_ns: u64,
    /// How long it has waited there for a core, likewise.
    pub delay_ns: u64,
    /// Its page faults there, likewise.
    pub faults: u64,
    pub sent: Instant,
    /// When the board said that it runs.
    pub started: Option<Instant>,
    /// How long a signal leaves it alone from then on.
    pub respite: Duration,
}

impl Away {
    /// It has been on its board for as long as it took to come there: it does not only move.
    pub fn settled(&self) -> bool {
        self.started
            .is_some_and(|since| since.elapsed() >= self.crossed_in)
    }

    /// A foreign thread that is being sent to `board`.
    pub fn foreign(board: BoardId, shadow: Shadow) -> Away {
        Away {
            foreign: true,
            ..Away::sent(board, shadow)
        }
    }

    /// A thread that is being sent to `board`.
    pub fn sent(board: BoardId, shadow: Shadow) -> Away {
        Away {
            board,
            foreign: false,
            asked: None,
            crossing: None,
            parked: None,
            crossed_in: Duration::ZERO,
            shadow,
            call: None,
            context: None,
            recalling: None,
            returns_then: false,
            recalled: None,
            cpu_ns: 0,
            delay_ns: 0,
            faults: 0,
            sent: Instant::now(),
            started: None,
            respite: Duration::ZERO,
        }
    }
}

/// What a thread at home is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtHome {
    /// Its own business.
    Free,
    /// A call it came home for; `entered` after the stop at its entry.
    NativeCall { entered: bool },
    /// It is stopped in its exit event until these pages are pinned.
    Exiting,
    /// Stopped until pages are home, then this signal is delivered.
    Dying { token: u64, signal: i32 },
    /// Stopped in a call that reads a CPU-time clock until boards have told what they know.
    Accounting { token: u64 },
    /// Stopped in a fork event until the child is filled; `native`: it came home for the call.
    Forking { child: Tid, native: bool },
    /// Made by a foreign thread, and stopped until that is known to have made it.
    Unborn,
    /// In the call by which it parks, having left its registers for the continuation at `header`.
    Parking { header: u64 },
}

/// Where a thread runs.
pub enum Place {
    Home(AtHome),
    Away(Box<Away>),
}

/// One thread of the guest.
pub struct Thread {
    pub tid: Tid,
    pub place: Place,
    /// Stopped under ptrace, as far as the supervisor knows.
    pub stopped: bool,
    /// It has left its exit event: it runs no more code of the guest, and stops no more.
    pub ending: bool,
    /// Wanted on this board at its next clean stop.
    pub wanted: Option<BoardId>,
    /// When the policy's wish became known (latency of freezing).
    pub wanted_since: Instant,
    /// Where the kernel writes zero when it ends; `None` until asked.
    pub tid_address: Option<u64>,
    /// It must be asked for `tid_address` at its next clean stop.
    pub ask_tid_address: bool,
    /// Pins held for its end.
    pub pins: Vec<u64>,
    /// All pages are at home, because it copies the memory.
    pub gathered: Option<u64>,
    /// The walk over its robust mutexes, while it ends.
    pub robust: Option<Walk>,
    /// Stay home until then (it came back for a fault home had to judge).
    pub home_until: Option<Instant>,
    /// How often that happened in a row.
    pub bounces: u32,
    /// It is home for a signal's handler and leaves when that returns.
    pub handler: Option<Handler>,
    /// It is asked to leave for a board at its next equivalence point.
    pub leaving: Option<Leaving>,
    /// Its home call, if that takes several calls of the shadow.
    pub translating: Option<Translating>,
    /// The foreign context under what its kernel thread runs here.
    pub beneath: Option<Beneath>,
    /// A handler has jumped to where the thread is on its board.
    pub jumps: Option<Jump>,
    /// pthread_cancel has signalled it since it last made a call on its board: where it says whether that call
    /// may end by that.
    pub cancelled: Option<u64>,
    /// How long its last way home for a signal took, until it is on a board again.
    pub way_home: Duration,
    /// Its signal mask, while it goes into a call with all signals blocked.
    pub own_mask: Option<u64>,
    /// A signal has had to wait since it last went to its board.
    pub signal_waited: bool,
    /// How often the time that its signals wait has doubled.
    pub crowded: u32,
    /// Signals that its handlers have sent to it while its frames are on a board of another ISA, not delivered yet.
    pub sent: Vec<i32>,
    /// Somebody waits for its next stop to look at it.
    pub looked_for: bool,
    /// The board from which it came last, and where it went on at home.
    pub left_board: Option<(BoardId, u64)>,
    /// What happens when it synchronises on a board.
    pub at_sync: AtSync,
    /// How long it waited for cores of boards, in stays that have ended, in nanoseconds.
    pub board_delay_ns: u64,
    pub born: Instant,
    /// How often it was stopped by us, for which its kernel thread gives up its core.
    pub stops: u64,
    pub counters: Counters,
}

impl Thread {
    pub fn new(tid: Tid, now: Instant) -> Thread {
        Thread {
            tid,
            place: Place::Home(AtHome::Free),
            stopped: false,
            ending: false,
            wanted: None,
            wanted_since: now,
            tid_address: None,
            ask_tid_address: false,
            pins: Vec::new(),
            gathered: None,
            robust: None,
            home_until: None,
            bounces: 0,
            handler: None,
            leaving: None,
            translating: None,
            beneath: None,
            jumps: None,
            cancelled: None,
            way_home: Duration::ZERO,
            own_mask: None,
            signal_waited: false,
            crowded: 0,
            sent: Vec::new(),
            looked_for: false,
            left_board: None,
            at_sync: AtSync::Immediate,
            board_delay_ns: 0,
            born: now,
            stops: 0,
            counters: Counters::default(),
        }
    }

    /// It is stopped now.
    pub fn has_stopped(&mut self) {
        self.stopped = true;
        self.stops += 1;
    }

    /// It is about to move, or cannot because of what its kernel thread does here.
    pub fn is_bound(&self) -> bool {
        self.wanted.is_some() || self.leaving.is_some() || self.beneath.is_some()
    }

    /// The offloaded part, if it is away.
    pub fn away(&mut self) -> Option<&mut Away> {
        match &mut self.place {
            Place::Away(away) => Some(away),
            Place::Home(_) => None,
        }
    }

    /// The part that is on a board, also while the kernel thread runs something here.
    pub fn abroad(&mut self) -> Option<&mut Away> {
        match (&mut self.place, &mut self.beneath) {
            (Place::Away(away), _) => Some(away),
            (Place::Home(_), Some(beneath)) => match &mut beneath.what {
                What::InCall(away) => Some(away),
                What::Still(_) | What::Makes(..) => None,
            },
            (Place::Home(_), None) => None,
        }
    }

    /// The board without which it cannot go on.
    pub fn needs(&self) -> Option<BoardId> {
        match &self.place {
            Place::Away(away) => Some(away.board),
            Place::Home(_) => self.beneath.as_ref().map(|b| b.board),
        }
    }

    /// It is away.
    pub fn is_away(&self) -> bool {
        matches!(self.place, Place::Away(_))
    }
}
