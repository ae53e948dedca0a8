//! Calls for which pages must be at home, writable, while the pager makes them: of the kernel's
//! accesses some are not served by userfaultfd, and the helper, which makes the call, must not wait
//! for the pager, which waits for it.
//!
//! A call that opens a file is made by its thread, but only once it is known what it opens.
//!
//! FUTEX_WAKE_OP reads and changes its second word without serving faults. mincore(2) tells what home
//! has; what boards have is added to its answer.

use std::collections::BTreeSet;

use nix::unistd::Pid;

use super::PagerError;
use super::run::Pager;
use crate::calls::{Flags, Unseen, opening, unseen};
use crate::coherence::{PAGE_SIZE, Page};
use crate::home::intercept::{Forwarded, peek};
use crate::memory::remote;
use crate::node::LocalError;

const SIZE: u64 = PAGE_SIZE as u64;
const EFAULT: i64 = -(libc::EFAULT as i64);
/// More bytes than any address space has: the kernel refuses to look at them.
const MOST: u64 = 1 << 47;

/// A call that waits for pages.
pub(super) struct PinnedCall {
    call: Forwarded,
    /// Pages not yet pinned.
    pub awaited: BTreeSet<Page>,
    /// All of them.
    pages: Vec<Page>,
}

/// The memory that must be at home for a call, as (first byte, bytes).
fn touched(call: &Forwarded) -> Vec<(u64, u64)> {
    if let Some(what) = opening(call.nr, &call.args) {
        let how = match what.flags {
            Flags::Given(_) => None,
            Flags::At(address) => Some((address, 8)),
        };
        return how
            .into_iter()
            .chain([(what.path, peek::LONGEST)])
            .collect();
    }
    match unseen(call.nr, &call.args) {
        Some(Unseen::WakeOp) => vec![(call.args[0], 4), (call.args[4], 4)],
        // A byte of the answer for each page.
        Some(Unseen::Residence) if call.args[1] < MOST => {
            vec![(call.args[2], call.args[1].div_ceil(SIZE))]
        }
        _ => Vec::new(),
    }
}

impl Pager {
    /// Brings home what a call needs; [`Pager::make_pinned`] makes it then.
    pub(super) fn pin_for(&mut self, call: &Forwarded) {
        let Some(share) = &mut self.share else { return };
        // Memory that is not watched yet too: a board may ask for it while the call waits for the rest.
        let pages: BTreeSet<Page> = touched(call)
            .into_iter()
            .flat_map(|(start, len)| start / SIZE..start.saturating_add(len).div_ceil(SIZE))
            .collect();
        share.pinned.push(PinnedCall {
            call: *call,
            awaited: pages.clone(),
            pages: pages.iter().copied().collect(),
        });
        for page in pages {
            share.directory.pin(page, &mut share.scratch);
        }
        share.actions.extend(share.scratch.drain(..));
    }

    /// Makes the calls whose pages are home.
    pub(super) fn make_pinned(&mut self) -> Result<(), PagerError> {
        while let Some(share) = &mut self.share
            && let Some(ready) = share.pinned.iter().position(|c| c.awaited.is_empty())
        {
            let PinnedCall { call, pages, .. } = share.pinned.swap_remove(ready);
            for page in &pages {
                self.make_present(*page)?;
            }
            let result = match opening(call.nr, &call.args) {
                Some(what) => {
                    self.open(&call, what, false)?;
                    None
                }
                None => Some(self.make_now(&call)?),
            };
            if let Some(share) = &mut self.share {
                for page in pages {
                    share.directory.unpin(page, &mut share.scratch);
                }
                share.actions.extend(share.scratch.drain(..));
            }
            if let Some(result) = result {
                self.answer_call(&call, result)?;
            }
        }
        Ok(())
    }

    fn make_now(&mut self, call: &Forwarded) -> Result<i64, PagerError> {
        let result = self.help(call.nr, call.args)?;
        if result == 0 && unseen(call.nr, &call.args) == Some(Unseen::Residence) {
            return self.add_residents(call);
        }
        Ok(result)
    }

    /// Home may write a page that nobody has touched: to the kernel it is missing all the same.
    fn make_present(&mut self, page: Page) -> Result<(), PagerError> {
        loop {
            let Some(share) = &mut self.share else {
                return Ok(());
            };
            if share.mapping_at(page * SIZE)?.is_none() {
                // Perhaps beyond the last address, where no answer of the kernel's can be relied on.
                return Ok(());
            }
            let one = |_: Page, _: u64| 1;
            match share.node.memory.resolve(page, true, Some(one)) {
                Err(LocalError::Busy) => self.catch_up()?,
                // It is not watched, or not mapped any more, which the call finds out.
                Ok(()) | Err(LocalError::Unmapped(_)) => return Ok(()),
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Adds to the answer of mincore(2) what boards have.
    fn add_residents(&mut self, call: &Forwarded) -> Result<i64, PagerError> {
        let [start, len, answer, ..] = call.args;
        let Some(share) = &self.share else {
            return Ok(0);
        };
        let first = start / SIZE;
        let away = share
            .directory
            .missing_at_home(first..first + len.div_ceil(SIZE));
        for page in away {
            match remote::write(Pid::from_raw(share.pid), answer + (page - first), &[1]) {
                Ok(()) => {}
                // Unmapped meanwhile: its thread would have been too late as well.
                Err(remote::RemoteError::Fault { .. }) => return Ok(EFAULT),
                Err(remote::RemoteError::Gone { .. }) => break,
                Err(e) => {
                    return Err(PagerError::Other(format!(
                        "cannot answer a call of the program: {e}"
                    )));
                }
            }
        }
        Ok(0)
    }
}
