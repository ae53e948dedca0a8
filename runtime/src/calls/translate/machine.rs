//! Plays a [`Script`]: call by call of the shadow, with the scratch area between them.
//!
//! The area begins with two struct iovec, by which process_vm_writev and process_vm_readv of the process
//! itself copy between the program's memory, where faults are served, and the data behind them.

use std::io;

use super::isa::Ends;
use super::rules;
use super::script::{Plan, Script, Span, Stop, bytes};
use super::{Next, Refusal};
use crate::coherence::PAGE_SIZE;

/// Memory in the guest that is always at home: its bytes are for one call at a time.
pub trait Scratch {
    /// Its address in the guest.
    fn address(&self) -> u64;
    /// Bytes it has: at least [`LEAST_SCRATCH`].
    fn size(&self) -> usize;
    /// Reads from byte `offset` on.
    ///
    /// # Errors
    /// When the guest's memory cannot be reached: the job cannot go on.
    fn read(&self, offset: usize, out: &mut [u8]) -> io::Result<()>;
    /// Writes from byte `offset` on.
    ///
    /// # Errors
    /// As `read`.
    fn write(&mut self, offset: usize, data: &[u8]) -> io::Result<()>;
}

/// Bytes that a scratch area must have. With more of it, epoll_wait(2) and getdents(2) return more at once.
pub const LEAST_SCRATCH: usize = AREA + PAGE_SIZE;

/// Where the data begins.
const AREA: usize = 64;
/// madvise(2): make present and writable, without a change (Linux 5.14).
const POPULATE_WRITE: u64 = 23;

/// A call that is under way.
#[derive(Debug)]
pub struct Translation {
    ends: Ends,
    call: &'static str,
    pid: u64,
    script: Option<Box<dyn Script>>,
    stage: Stage,
    /// What the call reads.
    data: Vec<u8>,
}

/// What the call that is under way is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// To fetch so many bytes of the program's.
    Reading(usize),
    /// To see whether the result can be written.
    Trying,
    /// It is the call itself.
    Calling,
    /// To write so many bytes to the program; with this result.
    Writing(usize, i64),
    /// None is.
    Over,
}

impl Translation {
    /// Begins call `nr` with `args` of the board's. `pid` is what the process itself takes for its id.
    ///
    /// # Errors
    /// The scratch area's, or when it is too small.
    pub fn begin(
        ends: Ends,
        nr: i64,
        args: [u64; 6],
        pid: i32,
        scratch: &mut dyn Scratch,
    ) -> io::Result<(Self, Next)> {
        if scratch.size() < LEAST_SCRATCH {
            let least = format!("a scratch area has at least {LEAST_SCRATCH} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, least));
        }
        let mut this = Self {
            ends,
            call: rules::name(ends.board, nr),
            pid: pid as u64,
            script: None,
            stage: Stage::Over,
            data: Vec::new(),
        };
        if ends.agree() {
            let next = this.make(Stage::Calling, nr, args);
            return Ok((this, next));
        }
        let next = match rules::plan(ends, nr, &args) {
            Plan::Plain(call) => this.make_named(Stage::Calling, call.name, call.args),
            Plan::Done(result) => Next::Done(result),
            Plan::Refuse(errno, why) => this.refuse(errno, why.into()),
            Plan::Scripted(mut script) => {
                script.has_room(scratch.size() - AREA);
                let reads = script.reads();
                this.script = Some(script);
                match reads {
                    Some(span) => {
                        let stage = Stage::Reading(span.len);
                        this.copy(stage, "process_vm_writev", span, scratch)?
                    }
                    None => this.try_or_call(scratch)?,
                }
            }
        };
        Ok((this, next))
    }

    /// Goes on after a call that [`Next::Make`] asked for, given its result (-errno on failure). One that
    /// the kernel would begin again (-512 to -516) counts as interrupted, and is handed on as it is.
    ///
    /// # Errors
    /// The scratch area's.
    pub fn next(&mut self, result: i64, scratch: &mut dyn Scratch) -> io::Result<Next> {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        Ok(match stage {
            Stage::Reading(len) => {
                if result != len as i64 {
                    return Ok(match self.copied(result) {
                        Ok(_) => Next::Done(-i64::from(libc::EFAULT)),
                        Err(refused) => refused,
                    });
                }
                self.data = vec![0; len];
                scratch.read(AREA, &mut self.data)?;
                self.try_or_call(scratch)?
            }
            Stage::Trying => {
                // Faults, holes, rights. Anything else says nothing about the memory.
                let not_writable =
                    [libc::EFAULT, libc::ENOMEM, libc::EINVAL].map(|e| -i64::from(e));
                if not_writable.contains(&result) {
                    self.script().cannot_take();
                    self.try_or_call(scratch)?
                } else {
                    self.call(scratch)?
                }
            }
            Stage::Calling => self.called(result, scratch)?,
            Stage::Writing(len, of_call) => match self.copied(result) {
                Ok(copied) if copied == len => Next::Done(of_call),
                Ok(copied) => Next::Done(self.script().written_in_part(of_call, copied)),
                Err(refused) => refused,
            },
            Stage::Over => unreachable!("{}: no call is under way", self.call),
        })
    }

    fn script(&mut self) -> &mut dyn Script {
        self.script.as_deref_mut().expect("a call in several steps")
    }

    /// Sees to memory that must be writable, or makes the call itself.
    fn try_or_call(&mut self, scratch: &mut dyn Scratch) -> io::Result<Next> {
        let Some(span) = self.script().takes() else {
            return self.call(scratch);
        };
        let page = PAGE_SIZE as u64;
        let first = span.address / page * page;
        let end = span.address.saturating_add(span.len as u64);
        let pages = end.saturating_sub(first).div_ceil(page);
        let args = [first, pages.saturating_mul(page), POPULATE_WRITE, 0, 0, 0];
        Ok(self.make_named(Stage::Trying, "madvise", args))
    }

    fn call(&mut self, scratch: &mut dyn Scratch) -> io::Result<Next> {
        let data = std::mem::take(&mut self.data);
        let area = scratch.address() + AREA as u64;
        match self.script().call(&data, area) {
            Ok(prepared) => {
                scratch.write(AREA, &prepared.area)?;
                let call = prepared.call;
                Ok(self.make_named(Stage::Calling, call.name, call.args))
            }
            Err(Stop::Result(result)) => Ok(Next::Done(result)),
            Err(Stop::Refuse(errno, why)) => Ok(self.refuse(errno, why.into())),
        }
    }

    /// After the call itself.
    fn called(&mut self, result: i64, scratch: &mut dyn Scratch) -> io::Result<Next> {
        let Some(script) = &self.script else {
            return Ok(Next::Done(result));
        };
        let mut data = vec![0; script.leaves(result)];
        scratch.read(AREA, &mut data)?;
        let finished = script.finish(result, &data);
        match finished.writes {
            Some((address, bytes)) if !bytes.is_empty() => {
                scratch.write(AREA, &bytes)?;
                let len = bytes.len();
                let stage = Stage::Writing(len, finished.result);
                self.copy(stage, "process_vm_readv", Span { address, len }, scratch)
            }
            _ => Ok(Next::Done(finished.result)),
        }
    }

    /// Whether the call itself has been made, and what it returned is being written to the program.
    pub fn writes_result(&self) -> bool {
        matches!(self.stage, Stage::Writing(..))
    }

    /// Copies between the program's `span` and the area, by `name`'s direction.
    fn copy(
        &mut self,
        stage: Stage,
        name: &'static str,
        span: Span,
        scratch: &mut dyn Scratch,
    ) -> io::Result<Next> {
        let at = scratch.address();
        let len = span.len as u64;
        scratch.write(0, &bytes([span.address, len, at + AREA as u64, len]))?;
        Ok(self.make_named(stage, name, [self.pid, at, 1, at + 16, 1, 0]))
    }

    /// How much a copy has copied.
    fn copied(&self, result: i64) -> Result<usize, Next> {
        match usize::try_from(result) {
            Ok(copied) => Ok(copied),
            Err(_) if result == -i64::from(libc::EFAULT) => Ok(0),
            Err(_) => {
                let errno = -result as i32;
                let error = io::Error::from_raw_os_error(errno);
                Err(self.refuse(
                    errno,
                    format!("the program's memory cannot be copied: {error}"),
                ))
            }
        }
    }

    fn make_named(&mut self, stage: Stage, name: &'static str, args: [u64; 6]) -> Next {
        match self.ends.home.number(name) {
            Some(nr) => self.make(stage, nr, args),
            None => self.refuse(libc::ENOSYS, format!("home has no {name}")),
        }
    }

    fn make(&mut self, stage: Stage, nr: i64, args: [u64; 6]) -> Next {
        self.stage = stage;
        Next::Make {
            nr,
            args,
            main: stage == Stage::Calling,
        }
    }

    fn refuse(&self, errno: i32, reason: String) -> Next {
        Next::Refuse(Refusal {
            call: self.call,
            reason,
            errno,
        })
    }
}
