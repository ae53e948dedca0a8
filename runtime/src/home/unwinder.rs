//! The thread that makes backtraces of snapshots. A program's debug information can be large, and the
//! supervisor must not wait for it.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;

use super::job::Control;
use super::messages::{BoardId, ToSupervisor};
use crate::guest::procfs;
use crate::guest::ptrace::Tid;
use crate::report::chain;
use crate::trace::{self, Backtrace, Program, Snapshot};

/// The largest file that is read; of a larger one there are no backtraces.
const MAX_FILE: u64 = 4 << 30;
/// How long a program's file is kept in memory after its last backtrace.
const KEPT: Duration = Duration::from_secs(1);

/// A program's file.
pub enum Image {
    /// That which a process executes, and where it begins in memory.
    Running { file: File, entry: u64 },
    /// That for another instruction set, which is where it says.
    Other(Bytes),
}

impl Image {
    /// The file that a thread's process executes, whatever has become of its name.
    pub fn of(tid: Tid) -> io::Result<Self> {
        let file = File::open(format!("/proc/{tid}/exe"))?;
        let entry = procfs::entry_point(tid)?;
        Ok(Self::Running { file, entry })
    }

    fn read(&self) -> io::Result<Bytes> {
        let mut file = match self {
            Self::Running { file, .. } => file,
            Self::Other(bytes) => return Ok(bytes.clone()),
        };
        let length = file.metadata()?.len();
        if length > MAX_FILE {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut bytes = Vec::with_capacity(length as usize);
        file.rewind()?;
        file.take(MAX_FILE).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    fn entry(&self) -> Option<u64> {
        match self {
            Self::Running { entry, .. } => Some(*entry),
            Self::Other(_) => None,
        }
    }
}

/// Whose backtrace it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whose {
    pub tid: Tid,
    /// The board on which it runs; `None`: at home.
    pub board: Option<BoardId>,
    /// It dies by this signal; `None`: somebody asked.
    pub dies: Option<i32>,
}

/// A backtrace to be made.
pub(super) struct Order {
    pub image: Arc<Image>,
    pub whose: Whose,
    pub snapshot: Snapshot,
}

/// The thread.
pub(super) struct Unwinder {
    orders: Sender<Order>,
    thread: JoinHandle<()>,
}

impl Unwinder {
    /// Starts it; it answers by [`ToSupervisor::Backtrace`].
    pub fn start(control: Control) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("rtx-unwinder".into())
            .spawn(move || work(&inbox, &control))?;
        Ok(Self { orders, thread })
    }

    /// Has a backtrace made.
    pub fn order(&self, order: Order) {
        // If it has panicked, it has said so.
        let _ = self.orders.send(order);
    }

    /// Waits until all orders are carried out.
    pub fn finish(self) {
        drop(self.orders);
        let _ = self.thread.join();
    }
}

fn work(orders: &Receiver<Order>, control: &Control) {
    let mut next = orders.recv().ok();
    while let Some(first) = next {
        let image = first.image.clone();
        let bytes = image.read();
        let program = match &bytes {
            Ok(bytes) => Program::parse(bytes, image.entry()).map_err(|e| chain(&e)),
            Err(e) => Err(format!("cannot read the program's file: {e}")),
        };
        next = Some(first);
        while let Some(order) = next.take_if(|order| Arc::ptr_eq(&order.image, &image)) {
            let backtrace = made(&program, &order.snapshot);
            let whose = order.whose;
            control.send(ToSupervisor::Backtrace { whose, backtrace });
            next = match orders.recv_timeout(KEPT) {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => None,
            };
        }
        if next.is_none() {
            drop(program);
            drop(bytes);
            next = orders.recv().ok();
        }
    }
}

fn made(program: &Result<Program<'_>, String>, snapshot: &Snapshot) -> Result<Backtrace, String> {
    let program = program.as_ref().map_err(Clone::clone)?;
    let other = || "the thread runs on another instruction set than the program's file".to_owned();
    trace::backtrace(program, snapshot).ok_or_else(other)
}
