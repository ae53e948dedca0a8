//! Intercepted calls. Those that change memory unseen are made for the threads: first by the helper, on the
//! same memory; then boards are told; then the thread gets the result. It has not gone on before
//! boards' copies are on their way out, and whatever it lets happen afterwards comes to boards after
//! the news.

use std::ops::Range;
use std::sync::atomic::Ordering;

use super::run::Pager;
use super::{PagerError, Share};
use crate::calls::{
    Begins, CpuTime, Intercepted, MAKE_AGAIN, Opening, Unseen, intercepted, sets_cpu_timer,
};
use crate::coherence::PAGE_SIZE;
use crate::home::intercept::{Forwarded, Next, peek};
use crate::home::messages::ToSupervisor;
use crate::memory::maps::{MapsError, Vma};
use crate::memory::remote::RemoteError;
use crate::node::LocalError;

const SIZE: u64 = PAGE_SIZE as u64;
const ENOMEM: i64 = -(libc::ENOMEM as i64);
const EINVAL: i64 = -(libc::EINVAL as i64);

/// The pages that a call names, unless the kernel refuses to look at them at all.
pub(super) fn span(start: u64, len: u64) -> Option<Range<u64>> {
    let end = start.checked_add(len)?.checked_next_multiple_of(SIZE)?;
    (start.is_multiple_of(SIZE) && start < end).then_some(start..end)
}

impl Pager {
    /// Makes the calls that wait. False: no more will come.
    pub(super) fn read_unseen(&mut self) -> Result<bool, PagerError> {
        while !self.doomed
            && let Some(share) = &self.share
        {
            let next = share.interception.next();
            match next.map_err(|e| failed("receive a call of the program", &e))? {
                Next::Call(call) => match self.make(&call) {
                    // The program ended under our hands; the supervisor knows or will.
                    Err(PagerError::Memory(LocalError::Gone)) => self.share = None,
                    made => made?,
                },
                Next::Nothing => return Ok(true),
                Next::NeverAgain => return Ok(false),
                Next::KeeperGone => {
                    return Err(PagerError::Other(
                        "the keeper of the program has ended".into(),
                    ));
                }
            }
        }
        // Nobody waits for an answer any more, or nobody gives one.
        Ok(false)
    }

    fn make(&mut self, call: &Forwarded) -> Result<(), PagerError> {
        let what = match intercepted(call.nr, &call.args) {
            Some(Intercepted::Unseen(what)) => what,
            Some(Intercepted::Beyond(what)) => return self.hold(call, what),
            Some(Intercepted::CpuTime(what)) => return self.pass_on(call, what),
            Some(Intercepted::TidAddress) => {
                // The supervisor has this before the thread goes on.
                let (tid, address) = (call.caller, call.args[0]);
                self.notify(ToSupervisor::TidAddress { tid, address });
                return self.let_through(call);
            }
            Some(Intercepted::Copies) => {
                self.notify(ToSupervisor::Forks { call: *call });
                return Ok(());
            }
            Some(Intercepted::Barrier(what)) => return self.barrier(call, what),
            Some(Intercepted::Opens(what)) => return self.open(call, what, true),
            // The keeper answers those.
            Some(Intercepted::FilterMode) | None => return self.let_through(call),
        };
        // What was granted before must arrive before the news: its receiver waits for it.
        self.settle()?;
        let result = match what {
            Unseen::Drop => self.make_drop(call)?,
            Unseen::Protect => self.make_protect(call)?,
            Unseen::Attach => self.make_attach(call)?,
            Unseen::Move => self.make_move(call)?,
            Unseen::Refused => EINVAL,
            Unseen::WakeOp | Unseen::Residence => {
                self.pin_for(call);
                return Ok(());
            }
            Unseen::Direct => match self.watch_pins()? {
                true => return self.let_through(call),
                // As file systems do that have no direct I/O.
                false => EINVAL,
            },
        };
        self.answer_call(call, result)
    }

    /// Calls by CPU time are the supervisor's business: it has the call of a thread at home made at
    /// the stub's gadget, as those of shadows are, and then nobody else is asked.
    fn pass_on(&mut self, call: &Forwarded, what: CpuTime) -> Result<(), PagerError> {
        let Some(share) = &self.share else {
            return Ok(());
        };
        let in_gadget = call.pc == share.node.memory.stub.in_gadget();
        match what {
            CpuTime::Read if !in_gadget => {
                self.notify(ToSupervisor::ReadsCpuTime { call: *call });
                return Ok(());
            }
            CpuTime::Read => {}
            // Asked for, not set.
            CpuTime::Timer if !sets_cpu_timer(call.nr, &call.args) => {}
            CpuTime::Timer => self.notify(ToSupervisor::SetsCpuTimer { tid: call.caller }),
        }
        self.let_through(call)
    }

    /// Lets an intercepted call return.
    pub(super) fn answer_call(&mut self, call: &Forwarded, result: i64) -> Result<(), PagerError> {
        let Some(share) = &self.share else {
            return Ok(());
        };
        let answered = share.interception.answer(call, result);
        answered.map_err(|e| failed("answer a call of the program", &e))?;
        Ok(())
    }

    /// A call that opens a file. Where what it tells in memory cannot be read, that is brought home first
    /// (`fetch`); what cannot be read then is for the call to complain about.
    pub(super) fn open(
        &mut self,
        call: &Forwarded,
        what: Opening,
        fetch: bool,
    ) -> Result<(), PagerError> {
        let Some(share) = &self.share else {
            return Ok(());
        };
        let in_gadget = call.pc == share.node.memory.stub.in_gadget();
        match peek::opened(&share.memory, what) {
            // A shadow's thread makes it itself, once it is home.
            Ok(Begins::Beyond(what)) if in_gadget => {
                self.notify(ToSupervisor::Beyond(what));
                self.answer_call(call, MAKE_AGAIN)
            }
            Ok(Begins::Beyond(what)) => self.hold(call, what),
            Ok(Begins::DirectIo) => match self.watch_pins()? {
                true => self.let_through(call),
                // As file systems do that have no direct I/O.
                false => self.answer_call(call, EINVAL),
            },
            Err(RemoteError::Fault { .. }) if fetch => {
                self.pin_for(call);
                Ok(())
            }
            Err(e @ RemoteError::Failed { .. }) => {
                Err(failed("look at what the program opens", &e))
            }
            _ => self.let_through(call),
        }
    }

    fn watch_pins(&mut self) -> Result<bool, PagerError> {
        match &mut self.share {
            Some(share) => Ok(share.node.memory.watch_pins()?),
            None => Ok(false),
        }
    }

    /// Lets an intercepted call be made.
    pub(super) fn let_through(&mut self, call: &Forwarded) -> Result<(), PagerError> {
        let Some(share) = &self.share else {
            return Ok(());
        };
        let answered = share.interception.let_through(call);
        answered.map_err(|e| failed("answer a call of the program", &e))?;
        Ok(())
    }

    /// A call that must wait until the program is home for good. Then the keeper lets it through.
    fn hold(&mut self, call: &Forwarded, what: &'static str) -> Result<(), PagerError> {
        if let Some(share) = &mut self.share {
            share.beyond.push(*call);
        }
        self.notify(ToSupervisor::Beyond(what));
        self.drive_out()
    }

    /// Drives threads out of calls that wait for long, if the supervisor waits for them to stop. They
    /// stop before they see the result, and make their calls again when they go on: the supervisor
    /// has asked every thread that runs, and while one waits here it is not done with asking.
    pub(super) fn drive_out(&mut self) -> Result<(), PagerError> {
        let Some(share) = &mut self.share else {
            return Ok(());
        };
        if !share.freezing.load(Ordering::SeqCst) {
            return Ok(());
        }
        for call in std::mem::take(&mut share.beyond) {
            self.answer_call(&call, MAKE_AGAIN)?;
        }
        Ok(())
    }

    /// madvise(2), mapping by mapping as the kernel does it, so that in the end it is known what has
    /// been dropped: the kernel stops at the first mapping it refuses, but not at a gap.
    fn make_drop(&mut self, call: &Forwarded) -> Result<i64, PagerError> {
        let [start, len, advice, ..] = call.args;
        let Some(range) = span(start, len) else {
            return self.help(call.nr, call.args);
        };
        let (mut at, mut result) = (range.start, 0);
        while at < range.end {
            let vma = self.mapping_from(at)?.filter(|v| v.start < range.end);
            if vma.as_ref().is_none_or(|v| v.start > at) {
                result = ENOMEM;
            }
            let Some(vma) = vma else { break };
            let piece = vma.start.max(at)..vma.end.min(range.end);
            let args = [piece.start, piece.end - piece.start, advice, 0, 0, 0];
            match self.help(call.nr, args)? {
                0 => {}
                ENOMEM => result = ENOMEM,
                refused => return Ok(refused),
            }
            if advice as i32 == libc::MADV_FREE {
                self.free_now(&piece)?;
            }
            self.discarded(piece.start, piece.end);
            at = piece.end;
        }
        Ok(result)
    }

    /// The kernel takes pages after MADV_FREE when it likes to, and tells nobody: where boards could
    /// have copies it happens at once.
    fn free_now(&mut self, range: &Range<u64>) -> Result<(), PagerError> {
        let Some(share) = &mut self.share else {
            return Ok(());
        };
        let watched: Vec<(u64, u64)> = share
            .registered
            .overlaps(range.clone())
            .map(|(r, ())| {
                let (start, end) = (r.start.max(range.start), r.end.min(range.end));
                (start, end - start)
            })
            .collect();
        let helper = &mut share.node.memory.helper;
        Ok(helper.drop_pages(&watched).map_err(LocalError::from)?)
    }

    /// mprotect(2) and pkey_mprotect(2); a failure may have changed some of the range.
    fn make_protect(&mut self, call: &Forwarded) -> Result<i64, PagerError> {
        let result = self.help(call.nr, call.args)?;
        let [start, len, prot, ..] = call.args;
        if let Some(mut range) = span(start, len) {
            if prot as i32 & libc::PROT_GROWSDOWN != 0 {
                let vma = self.mapping_from(start)?;
                range.start = vma.map_or(start, |v| v.start.min(start));
            }
            self.on_remap_call(range.start, range.end)?;
        }
        Ok(result)
    }

    /// shmat(2) in place of other mappings.
    fn make_attach(&mut self, call: &Forwarded) -> Result<i64, PagerError> {
        let result = self.help(call.nr, call.args)?;
        if !(-4095..0).contains(&result)
            && let Some(vma) = self.mapping_from(result as u64)?
        {
            self.unmapped(vma.start, vma.end)?;
        }
        Ok(result)
    }

    /// Has the helper make a call.
    pub(super) fn help(&mut self, nr: i64, args: [u64; 6]) -> Result<i64, PagerError> {
        match &mut self.share {
            Some(share) => {
                let helper = &mut share.node.memory.helper;
                Ok(helper.call(nr, &args).map_err(LocalError::from)?)
            }
            None => Ok(EINVAL),
        }
    }

    fn mapping_from(&self, at: u64) -> Result<Option<Vma>, PagerError> {
        self.share.as_ref().map_or(Ok(None), |s| s.mapping_from(at))
    }
}

impl Share {
    /// The mapping at an address, or the next one.
    pub(super) fn mapping_from(&self, at: u64) -> Result<Option<Vma>, PagerError> {
        let vma = found(self.maps.query_or_next(at))?;
        Ok(vma.map(|vma| self.undivided(at.max(vma.start), vma)))
    }

    /// The mapping at an address.
    pub(super) fn mapping_at(&self, at: u64) -> Result<Option<Vma>, PagerError> {
        let vma = found(self.maps.query(at))?;
        Ok(vma.map(|vma| self.undivided(at, vma)))
    }

    /// The part of a mapping around `at` that is all the program's or all rtx's, and all shared or all the node's
    /// own: the kernel may have joined what lies side by side.
    fn undivided(&self, at: u64, mut vma: Vma) -> Vma {
        let reserved: Vec<_> = self
            .reserved
            .overlaps(vma.range())
            .map(|(r, ())| r)
            .collect();
        let range = part_around(at, vma.range(), &reserved);
        (vma.start, vma.end) = (range.start, range.end);
        if let Some(pair) = &self.pair {
            let extent = pair.extent(at);
            vma.start = vma.start.max(extent.start);
            vma.end = vma.end.min(extent.end);
        }
        vma
    }
}

/// The part of `range` around `at` that is all in one of the `others`, or in none.
fn part_around(at: u64, range: Range<u64>, others: &[Range<u64>]) -> Range<u64> {
    let edges = others.iter().flat_map(|other| [other.start, other.end]);
    edges.fold(range, |part, edge| match edge <= at {
        true => part.start.max(edge)..part.end,
        false => part.start..part.end.min(edge),
    })
}

pub(super) fn found(answer: Result<Option<Vma>, MapsError>) -> Result<Option<Vma>, PagerError> {
    match answer {
        // The program is gone; the supervisor will say so.
        Err(MapsError::Query { source, .. }) if source.raw_os_error() == Some(libc::ESRCH) => {
            Ok(None)
        }
        answer => answer.map_err(|e| failed("look up a mapping", &e)),
    }
}

fn failed(what: &str, e: &dyn std::fmt::Display) -> PagerError {
    PagerError::Other(format!("cannot {what}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::{SIZE, part_around, span};

    #[test]
    fn what_the_kernel_joined_is_told_apart() {
        let ours = [20..30, 40..50];
        let part = |at| part_around(at, 10..60, &ours);
        assert_eq!([part(10), part(19)], [10..20, 10..20]);
        assert_eq!([part(20), part(29)], [20..30, 20..30]);
        assert_eq!([part(30), part(45), part(50)], [30..40, 40..50, 50..60]);
        assert_eq!(part_around(12, 10..60, &[]), 10..60);
    }

    #[test]
    fn a_span_has_whole_pages() {
        assert_eq!(span(SIZE, 1), Some(SIZE..2 * SIZE));
        assert_eq!(span(SIZE, SIZE + 1), Some(SIZE..3 * SIZE));
        assert_eq!(span(1, SIZE), None);
        assert_eq!(span(SIZE, 0), None);
        assert_eq!(span(SIZE, u64::MAX), None);
        assert_eq!(span(u64::MAX - SIZE + 1, SIZE - 1), None);
    }
}
