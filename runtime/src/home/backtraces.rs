//! Backtraces of the guest's threads: for people who ask what the job is doing, and of the thread by
//! whose signal the guest dies. What they are made of is taken here, they are made elsewhere
//! ([`super::unwinder`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use nix::unistd::Pid;

use super::error::JobError;
use super::foreign::What;
use super::job::Control;
use super::messages::{BoardId, Held, ToSupervisor};
use super::supervisor::{Supervisor, alive};
use super::thread::{Place, Thread};
use super::unwinder::{Image, Order, Unwinder, Whose};
use crate::guest::arch::Registers;
use crate::guest::ptrace::{self, Tid};
use crate::guest::stub::PAGES;
use crate::memory::PAGE;
use crate::memory::remote::Memory;
use crate::trace::snapshot::THREADS;
use crate::trace::{Backtrace, Snapshot};

/// How the guest came to die by a signal of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    pub tid: Tid,
    pub signal: i32,
    /// The board on which it ran when it happened; `None`: at home.
    pub board: Option<BoardId>,
    /// Its functions, or why they are not known.
    pub backtrace: Result<Backtrace, String>,
}

/// What backtraces need.
pub(super) struct Backtraces {
    control: Control,
    /// Of a crash, too.
    of_crashes: bool,
    unwinder: Option<Unwinder>,
    /// By instruction set.
    images: BTreeMap<String, Arc<Image>>,
    /// Answers of boards that are still taken: a board may send any number.
    owed: usize,
    crash: Option<Crash>,
}

impl Backtraces {
    pub fn new(control: Control, of_crashes: bool) -> Self {
        Self {
            control,
            of_crashes,
            unwinder: None,
            images: BTreeMap::new(),
            owed: 0,
            crash: None,
        }
    }

    /// The guest runs another program.
    pub fn program_changed(&mut self) {
        self.images.clear();
    }

    /// Has a backtrace made. The thread must still be there, so that its file can be found; `other`: its
    /// file, if it is of another instruction set than home.
    fn order(
        &mut self,
        whose: Whose,
        snapshot: Snapshot,
        other: Option<(&str, Bytes)>,
    ) -> std::io::Result<()> {
        let isa = other
            .as_ref()
            .map_or(std::env::consts::ARCH, |(isa, _)| isa);
        let image = match self.images.get(isa) {
            Some(image) => image.clone(),
            None => {
                let key = isa.to_owned();
                let image = match other {
                    Some((_, file)) => Image::Other(file),
                    None => Image::of(whose.tid)?,
                };
                self.images.entry(key).or_insert(Arc::new(image)).clone()
            }
        };
        let unwinder = match &self.unwinder {
            Some(unwinder) => unwinder,
            None => self.unwinder.insert(Unwinder::start(self.control.clone())?),
        };
        unwinder.order(Order {
            image,
            whose,
            snapshot,
        });
        Ok(())
    }
}

impl Supervisor {
    /// Has backtraces printed of all threads that are at home; each is stopped for a moment. The boards
    /// send theirs.
    pub(super) fn look_at_all(&mut self) -> Result<(), JobError> {
        self.backtraces.owed = THREADS * self.boards.len();
        let at_home = self.threads.values().filter(|t| !t.ending && !t.is_away());
        let at_home: Vec<(Tid, bool)> = at_home.take(THREADS).map(|t| (t.tid, t.stopped)).collect();
        for (tid, stopped) in at_home {
            if stopped {
                self.look(tid)?;
            } else if !self.group_stopped {
                let thread = self.threads.get_mut(&tid).expect("just seen");
                thread.looked_for = true;
                alive(ptrace::interrupt(tid), "stop a thread")?;
            }
        }
        let here = |thread: &Thread| match &thread.place {
            Place::Away(away) => match &away.context.as_ref()?.state {
                Held::Ours { registers, .. } => Some((thread.tid, registers.clone())),
                Held::Theirs(_) => None,
            },
            Place::Home(_) => None,
        };
        let here: Vec<_> = self.threads.values().filter_map(here).collect();
        for (tid, registers) in here {
            self.look_with(tid, &registers, None);
        }
        Ok(())
    }

    /// A thread stopped; perhaps somebody waits for that to look at it.
    pub(super) fn look_if_wanted(&mut self, tid: Tid) -> Result<(), JobError> {
        let wanted =
            |thread: &mut Thread| std::mem::take(&mut thread.looked_for) && !thread.is_away();
        match self.threads.get_mut(&tid).is_some_and(wanted) {
            true => self.look(tid),
            false => Ok(()),
        }
    }

    /// Has a backtrace of a stopped thread printed.
    fn look(&mut self, tid: Tid) -> Result<(), JobError> {
        // One that is stopped by job control shows nothing.
        if let Some(registers) = alive(ptrace::registers(tid), "read registers")? {
            self.look_with(tid, &registers, None);
        }
        Ok(())
    }

    /// A thread is about to be delivered a signal that ends the guest. Everything is at home.
    pub(super) fn look_at_dying(&mut self, tid: Tid, signal: i32) -> Result<(), JobError> {
        if !self.backtraces.of_crashes {
            return Ok(());
        }
        let Some(registers) = alive(ptrace::registers(tid), "read registers")? else {
            return Ok(());
        };
        let stub = self.setup.as_ref().map(|setup| setup.stub.0);
        let in_stub = |stub| (stub..stub + PAGES * PAGE).contains(&registers.pc());
        let beneath = self.threads.get(&tid).and_then(|t| t.beneath.as_ref());
        match beneath.filter(|_| stub.is_some_and(in_stub)) {
            // These are its kernel thread's. Its own are of another instruction set.
            Some(beneath) => {
                let own = match &beneath.what {
                    What::Still(context) | What::Makes(context, _) => match &context.state {
                        Held::Theirs(own) => Some((own.registers.to_vec(), own.sp)),
                        Held::Ours { .. } => None,
                    },
                    What::InCall(_) => None,
                };
                let whose = Whose {
                    tid,
                    board: Some(beneath.board),
                    dies: Some(signal),
                };
                match own {
                    Some((registers, sp)) => self.look_at(whose, registers, sp),
                    None => self.on_backtrace(whose, Err("its registers are there".into())),
                }
            }
            None => self.look_with(tid, &registers, Some(signal)),
        }
        Ok(())
    }

    fn look_with(&mut self, tid: Tid, registers: &Registers, dies: Option<i32>) {
        let pc = registers.pc();
        let left = self.threads.get(&tid).and_then(|t| t.left_board);
        let board = left.filter(|(_, at)| dies.is_some() && *at == pc);
        let whose = Whose {
            tid,
            board: board.map(|(board, _)| board),
            dies,
        };
        self.look_at(whose, registers.to_bytes(), registers.sp());
    }

    /// Has a backtrace made from registers, and from the stack as it is at home.
    fn look_at(&mut self, whose: Whose, registers: Vec<u8>, sp: u64) {
        let memory = Memory::open(Pid::from_raw(whose.tid));
        let snapshot = memory.map(|memory| Snapshot::take(&memory, registers, sp));
        let ordered = match snapshot {
            Ok(snapshot) => self.order(whose, snapshot),
            Err(e) => Err(crate::report::chain(&e)),
        };
        if let Err(why) = ordered {
            self.on_backtrace(whose, Err(why));
        }
    }

    /// Has a backtrace made by the file of the instruction set on which the thread runs.
    fn order(&mut self, whose: Whose, snapshot: Snapshot) -> Result<(), String> {
        let isa = whose
            .board
            .map(|board| self.boards[usize::from(board) - 1].isa.as_str());
        let isa = isa.filter(|isa| *isa != std::env::consts::ARCH);
        let other = isa.and_then(|isa| Some((isa, self.pair.as_ref()?.of(isa)?.file().clone())));
        let ordered = self.backtraces.order(whose, snapshot, other);
        ordered.map_err(|e| e.to_string())
    }

    /// A board sent what a thread's backtrace needs.
    pub(super) fn on_looked(&mut self, board: BoardId, tid: Tid, snapshot: Snapshot) {
        let away = self.threads.get_mut(&tid).and_then(Thread::away);
        if self.backtraces.owed == 0 || away.is_none_or(|away| away.board != board) {
            return;
        }
        self.backtraces.owed -= 1;
        let whose = Whose {
            tid,
            board: Some(board),
            dies: None,
        };
        if let Err(why) = self.order(whose, snapshot) {
            self.on_backtrace(whose, Err(why));
        }
    }

    /// A backtrace is made.
    pub(super) fn on_backtrace(&mut self, whose: Whose, backtrace: Result<Backtrace, String>) {
        let Whose { tid, board, dies } = whose;
        if let Some(signal) = dies {
            self.backtraces.crash.get_or_insert(Crash {
                tid,
                signal,
                board,
                backtrace,
            });
            return;
        }
        let place = board.map_or("at home".into(), |board| format!("on board {board}"));
        let text = backtrace.map_or_else(
            |why| format!("no backtrace: {why}"),
            |backtrace| backtrace.to_string(),
        );
        self.print(&format!("thread {tid} {place}"), &text);
    }

    /// The guest is gone: how it came to die, if it did so by a signal.
    pub(super) fn crash(&mut self) -> Option<Crash> {
        if let Some(unwinder) = self.backtraces.unwinder.take() {
            unwinder.finish();
        }
        let mut mail = std::mem::take(&mut self.mail);
        mail.extend(self.inbox.try_iter());
        for message in mail {
            if let ToSupervisor::Backtrace { whose, backtrace } = message {
                self.on_backtrace(whose, backtrace);
            }
        }
        self.backtraces.crash.take()
    }
}
