//! Serving pages: actions go back and forth between the directory and home's node until nothing is
//! left to do.

use super::run::Pager;
use super::{PagerError, Share, Staged};
use crate::coherence::{Access, DirAction, NodeId, PAGE_SIZE, Page, Taken};
use crate::memory::uffd::{EVENTS_A_READ, Event};
use crate::node::{Content, LocalError, Outcome, Work};

/// How often the pager looks for the end of a mapping change whose event it has read; each look
/// yields the processor.
pub(super) const CHANGE_PATIENCE: u32 = 1_000_000;

pub(super) fn changes_forever() -> PagerError {
    PagerError::Other("a mapping change does not end".into())
}

impl Pager {
    /// Carries everything out that events have caused, and sends what boards must hear.
    pub(super) fn settle(&mut self) -> Result<(), PagerError> {
        if self.doomed {
            return Ok(());
        }
        match self.settle_all() {
            // The program ended under our hands; the supervisor knows or will.
            Err(PagerError::Memory(LocalError::Gone)) => {
                self.share = None;
                self.send_staged();
                Ok(())
            }
            other => other,
        }
    }

    fn settle_all(&mut self) -> Result<(), PagerError> {
        let mut patience = 0;
        loop {
            self.dispatch()?;
            let Some(share) = &mut self.share else { break };
            let work = share.node.work(&mut share.outcomes)?;
            self.digest_outcomes()?;
            if work == Work::More {
                // What this part brought leaves now, unless a mapping change must go first.
                self.dispatch()?;
                if self.has_staged() && !self.changing()? {
                    self.send_staged();
                }
                continue;
            }
            let busy = work == Work::Busy;
            let Some(share) = &mut self.share else { break };
            if busy || (share.actions.is_empty() && self.has_staged() && self.changing()?) {
                patience += 1;
                if patience > CHANGE_PATIENCE {
                    return Err(changes_forever());
                }
                if self.read_events()? == 0 {
                    std::thread::yield_now();
                }
                continue;
            }
            if share_is_idle(self.share.as_ref()) && !self.sweep()? {
                break;
            }
        }
        self.send_staged();
        Ok(())
    }

    /// Reads events until no mapping change is under way.
    pub(super) fn catch_up(&mut self) -> Result<(), PagerError> {
        for _ in 0..CHANGE_PATIENCE {
            if !self.changing()? {
                return Ok(());
            }
            if self.read_events()? == 0 {
                std::thread::yield_now();
            }
        }
        Err(changes_forever())
    }

    fn changing(&self) -> Result<bool, PagerError> {
        match &self.share {
            Some(share) => Ok(share.node.memory.changing()?),
            None => Ok(false),
        }
    }

    /// Hands the directory's actions on: to home's node or to the boards.
    pub(super) fn dispatch(&mut self) -> Result<(), PagerError> {
        while let Some(share) = &mut self.share {
            let Some(action) = share.actions.pop_front() else {
                break;
            };
            match action {
                DirAction::Take {
                    node: NodeId::HOME,
                    page,
                    tag,
                    mode,
                    optional,
                } => {
                    share.node.take(page, tag, mode, optional);
                }
                DirAction::Take {
                    node,
                    page,
                    tag,
                    mode,
                    optional,
                } => {
                    self.traffic.take(node.0, page);
                    self.stage(
                        node.0,
                        Staged::Take {
                            page,
                            tag,
                            mode,
                            optional,
                        },
                    );
                }
                DirAction::Grant {
                    node: NodeId::HOME,
                    page,
                    access,
                    data,
                    prefetched,
                    contended,
                } => {
                    share
                        .node
                        .granted(page, access, data, prefetched, contended);
                }
                DirAction::Grant {
                    node,
                    page,
                    access,
                    data,
                    prefetched,
                    contended,
                } => {
                    let write = access == Access::Write;
                    share.ever_shared.insert(page);
                    self.stage(
                        node.0,
                        Staged::Grant {
                            page,
                            write,
                            data,
                            prefetched,
                            contended,
                        },
                    );
                }
                DirAction::Pinned { page } => self.pinned(page),
                DirAction::PinDropped { page } => self.pinned(page),
            }
        }
        Ok(())
    }

    /// Tells the directory what home's node did.
    fn digest_outcomes(&mut self) -> Result<(), PagerError> {
        let Some(share) = &mut self.share else {
            return Ok(());
        };
        for outcome in std::mem::take(&mut share.outcomes) {
            match outcome {
                Outcome::Request {
                    page,
                    access,
                    window,
                } => {
                    if let Some(window) = share.clip(page, window) {
                        let scratch = &mut share.scratch;
                        share
                            .directory
                            .request(NodeId::HOME, page, access, window, scratch);
                    }
                }
                Outcome::Taken { pages, deferred } => {
                    for (tag, data) in pages {
                        let taken = Taken {
                            data,
                            refused: false,
                            deferred,
                        };
                        share.home_taken(tag, taken)?;
                    }
                }
                Outcome::Refused { tag } => {
                    share.home_taken(
                        tag,
                        Taken {
                            data: None,
                            refused: true,
                            deferred: false,
                        },
                    )?;
                }
            }
        }
        share.actions.extend(share.scratch.drain(..));
        Ok(())
    }

    /// Reads the guest's userfaultfd; returns how many events there were.
    pub(super) fn read_events(&mut self) -> Result<usize, PagerError> {
        let mut total = 0;
        while let Some(share) = &mut self.share {
            let mut events = std::mem::take(&mut self.events);
            let read = share
                .node
                .memory
                .uffd
                .read_events(&mut events)
                .map_err(LocalError::from)?;
            total += read;
            for event in events.drain(..) {
                match event {
                    Event::Fault {
                        addr,
                        write,
                        wp,
                        thread,
                    } => {
                        let access = if write || wp {
                            Access::Write
                        } else {
                            Access::Read
                        };
                        if self.moving.is_some() && share_has_helper(self.share.as_ref(), thread) {
                            return Err(PagerError::Other(
                                "the helper waits for a page of what it moves".into(),
                            ));
                        }
                        let page = addr / PAGE_SIZE as u64;
                        let write = access == Access::Write;
                        self.heat.note(NodeId::HOME, page, write, thread);
                        self.gauges.waits_for_page(thread);
                        if let Some(share) = &mut self.share {
                            share.node.fault(page, access, thread as u32);
                        }
                    }
                    Event::Unmap { start, end } => match &mut self.moving {
                        Some(moving) => {
                            let before = moving.unmapped(start..end);
                            for part in before.into_iter().filter(|part| !part.is_empty()) {
                                self.unmapped(part.start, part.end)?;
                            }
                        }
                        None => self.unmapped(start, end)?,
                    },
                    Event::Remap { from, to, len } => match &mut self.moving {
                        Some(moving) => moving.moved(from, to, len),
                        None => self.remapped(from, to, len)?,
                    },
                    Event::Remove { .. } | Event::Fork(_) => {
                        return Err(PagerError::Other(
                            "the kernel sent an event that was not asked for".into(),
                        ));
                    }
                }
            }
            self.events = events;
            // Fewer than a read takes: that was all; what comes later wakes us anew.
            if read < EVENTS_A_READ {
                break;
            }
        }
        Ok(total)
    }
}

/// Whether this is the thread that makes calls for the pager.
fn share_has_helper(share: Option<&Share>, thread: i32) -> bool {
    share.is_some_and(|share| share.pid == thread)
}

fn share_is_idle(share: Option<&Share>) -> bool {
    share.is_none_or(|s| s.actions.is_empty())
}

impl Share {
    fn home_taken(&mut self, tag: u64, taken: Taken<Content>) -> Result<(), PagerError> {
        self.directory
            .taken(NodeId::HOME, tag, taken, &mut self.scratch)
            .map_err(|v| PagerError::Other(format!("home broke the protocol: {v:?}")))
    }

    /// How far a window from `page` may reach: within what is watched, without a gap.
    pub(super) fn clip(&self, page: Page, window: u32) -> Option<u32> {
        let size = PAGE_SIZE as u64;
        let end = page + u64::from(window);
        let mut at = page;
        while at < end
            && let Some((range, ())) = self.registered.get_range(at * size)
        {
            at = range.end / size;
        }
        (at > page).then(|| (at.min(end) - page) as u32)
    }
}
