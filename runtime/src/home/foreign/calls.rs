//! Home calls of foreign threads: [`crate::calls::translate`] says what home's kernel is asked for, and the
//! shadow asks it. A call for which one of home's stands is made as any home call; for another the shadow
//! makes several, with a scratch area beside the stub, taken from those that are free.

use std::io;

use nix::unistd::Pid;

use super::super::thread::{CallState, Thread};
use crate::calls::translate::{self, Ends, Isa, LEAST_SCRATCH, Next, Scratch, Translation};
use crate::guest::inject::Injector;
use crate::guest::ptrace::Tid;
use crate::home::error::JobError;
use crate::home::messages::{BoardId, ToPager};
use crate::home::supervisor::Supervisor;
use crate::memory::remote;

/// Bytes of a scratch area.
const AREA: usize = 16 << 10;
const _: () = assert!(AREA >= LEAST_SCRATCH);

/// A home call that takes several of the shadow.
pub enum Translating {
    /// It has not begun: the call as its board numbers it.
    Waiting { nr: i64, args: [u64; 6] },
    /// It is under way, with the scratch area at this address.
    Begun {
        translation: Box<Translation>,
        scratch: u64,
    },
}

/// A call of the shadow, or the end of the home call.
pub(in crate::home) enum Step {
    Make { nr: i64, args: [u64; 6] },
    Over(i64),
}

/// An area in the guest.
struct Area {
    memory: Pid,
    address: u64,
}

impl Scratch for Area {
    fn address(&self) -> u64 {
        self.address
    }

    fn size(&self) -> usize {
        AREA
    }

    fn read(&self, offset: usize, out: &mut [u8]) -> io::Result<()> {
        let at = self.address + offset as u64;
        remote::read_into(self.memory, at, out).map_err(io::Error::other)
    }

    fn write(&mut self, offset: usize, data: &[u8]) -> io::Result<()> {
        let at = self.address + offset as u64;
        remote::write(self.memory, at, data).map_err(io::Error::other)
    }
}

impl Supervisor {
    /// The instruction sets between which a board's calls are translated, if they differ.
    pub(super) fn ends(&self, board: BoardId) -> Option<Ends> {
        let board = Isa::named(&self.facts(board).isa)?;
        let home = Isa::named(std::env::consts::ARCH)?;
        (board != home).then_some(Ends { board, home })
    }

    /// The call of home's that stands for a board's. `None`: it takes several; they begin when the shadow
    /// is ready ([`Supervisor::begin_translated`]).
    pub(in crate::home) fn at_home_as(
        &mut self,
        tid: Tid,
        board: BoardId,
        nr: i64,
        args: [u64; 6],
    ) -> Option<(i64, [u64; 6])> {
        let Some(ends) = self.ends(board) else {
            return Some((nr, args));
        };
        let plain = translate::plain(ends, nr, &args);
        if plain.is_none()
            && let Some(thread) = self.threads.get_mut(&tid)
        {
            thread.translating = Some(Translating::Waiting { nr, args });
        }
        plain
    }

    /// The number at home of a call that a board has counted.
    pub(in crate::home) fn counted_as(&self, board: BoardId, nr: i64) -> Option<i64> {
        let Some(ends) = self.ends(board) else {
            return Some(nr);
        };
        let none = [0; 6];
        let plain = translate::plain(ends, nr, &none);
        let call = plain.or_else(|| translate::native(ends, nr, &none));
        call.map(|(nr, _)| nr)
    }

    /// Whether a home call that takes several has been made, and its result is on its way to the program.
    pub(super) fn writes_result(&self, tid: Tid) -> bool {
        let translating = self.threads.get(&tid).and_then(|t| t.translating.as_ref());
        matches!(translating, Some(Translating::Begun { translation, .. }) if translation.writes_result())
    }

    /// Begins a home call that takes several of its shadow, which is stopped.
    pub(in crate::home) fn begin_translated(&mut self, tid: Tid) -> Result<Option<Step>, JobError> {
        let thread = self.threads.get_mut(&tid);
        let Some((thread, board)) = thread.and_then(|t| Some((t.needs()?, t)).map(|(b, t)| (t, b)))
        else {
            return Ok(None);
        };
        let Some(Translating::Waiting { nr, args }) = thread.translating else {
            return Ok(None);
        };
        let Some(ends) = self.ends(board) else {
            return Ok(None);
        };
        let Some(scratch) = self.take_scratch(tid)? else {
            return Ok(None);
        };
        let mut area = self.area(scratch);
        let (translation, next) = Translation::begin(ends, nr, args, self.pid, &mut area)
            .map_err(|e| JobError::Kernel("translate a call", e))?;
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.translating = Some(Translating::Begun {
                translation: Box::new(translation),
                scratch,
            });
        }
        self.step(tid, next).map(Some)
    }

    /// A call of the shadow has returned `result`, in the course of a home call that takes several. `None`:
    /// this one was all of it.
    pub(in crate::home) fn next_translated(
        &mut self,
        tid: Tid,
        result: i64,
    ) -> Result<Option<Step>, JobError> {
        let translating = self
            .threads
            .get_mut(&tid)
            .and_then(|t| t.translating.take());
        let Some(Translating::Begun {
            mut translation,
            scratch,
        }) = translating
        else {
            return Ok(None);
        };
        let next = translation
            .next(result, &mut self.area(scratch))
            .map_err(|e| JobError::Kernel("translate a call", e))?;
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.translating = Some(Translating::Begun {
                translation,
                scratch,
            });
        }
        self.step(tid, next).map(Some)
    }

    fn step(&mut self, tid: Tid, next: Next) -> Result<Step, JobError> {
        let result = match next {
            Next::Make { nr, args, main } => {
                if main {
                    *self.stats.calls.entry(nr).or_default() += 1;
                    if let Some(away) = self.threads.get_mut(&tid).and_then(Thread::away)
                        && let Some(call) = &mut away.call
                    {
                        (call.nr, call.args) = (nr, args);
                    }
                }
                return Ok(Step::Make { nr, args });
            }
            Next::Done(result) => result,
            Next::Refuse(refusal) => {
                if self.refused.insert(refusal.call) {
                    let what = format!("on a board of another instruction set, {refusal}");
                    self.observer.warn(&what);
                }
                i64::from(-refusal.errno.abs())
            }
        };
        self.end_translated(tid);
        if let Some(away) = self.threads.get_mut(&tid).and_then(Thread::away)
            && let Some(call) = &mut away.call
        {
            call.state = CallState::Running;
        }
        Ok(Step::Over(result))
    }

    /// A thread makes no such call any more.
    pub(in crate::home) fn end_translated(&mut self, tid: Tid) {
        let thread = self.threads.get_mut(&tid);
        if let Some(Translating::Begun { scratch, .. }) =
            thread.and_then(|thread| thread.translating.take())
        {
            self.scratches.push(scratch);
        }
    }

    fn area(&self, address: u64) -> Area {
        let memory = self.setup.as_ref().map_or(self.pid, |setup| setup.memory);
        Area {
            memory: Pid::from_raw(memory),
            address,
        }
    }

    /// A scratch area that is free; a new one is mapped by means of the stopped thread `tid`. `None`: that
    /// has ended.
    fn take_scratch(&mut self, tid: Tid) -> Result<Option<u64>, JobError> {
        if let Some(free) = self.scratches.pop() {
            return Ok(Some(free));
        }
        let Some(stub) = self.setup.as_ref().map(|setup| setup.stub) else {
            return Ok(None);
        };
        let prot = (libc::PROT_READ | libc::PROT_WRITE) as u64;
        let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
        let args = [0, AREA as u64, prot, flags, u64::MAX, 0];
        let mapped = Injector::begin(self.pid, tid).and_then(|mut injector| {
            let mapped = injector.call(stub.gadget(), "mmap", libc::SYS_mmap, args);
            injector.finish()?;
            mapped
        });
        let mapped = self.unless_ended(mapped)?;
        if let Some(start) = mapped {
            self.tell(ToPager::Reserve {
                start,
                end: start + AREA as u64,
            });
        }
        Ok(mapped)
    }
}
