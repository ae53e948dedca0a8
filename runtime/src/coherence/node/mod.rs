//! One node's side: what it may do with each page, what it asked for, what it was asked to give.
//!
//! A fault becomes a Request unless one is outstanding (`streams` says how far to read ahead); a Grant becomes an
//! Install, a Promote or a Resolve; a Take becomes a Surrender, at once or when the page's hold (`hold`) ends.
//! `states` keeps two bits a page; `mapping` follows munmap, MADV_DONTNEED and mremap.

mod hold;
mod mapping;
mod states;
mod streams;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use super::action::{NodeAction, TakeMode};
use super::types::{Access, NodeId, Page};
use hold::Holds;
pub use hold::Tuning;
pub use states::PageState;
use states::States;
use streams::{Asked, Streams};

/// A request that has not been granted.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Outstanding {
    access: Access,
    since: u64,
    threads: Vec<u32>,
}

/// A take that waits for the end of a hold.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Deferred {
    tag: u64,
    mode: TakeMode,
}

/// Equal behaviour, equal hash (for the model checker): a tag is only a name.
impl Hash for Deferred {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.mode.hash(state);
    }
}

/// One node's table of pages. Times (`now`) are nanoseconds of any one clock that does not go back.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct NodeTable {
    node: NodeId,
    states: States,
    outstanding: BTreeMap<Page, Outstanding>,
    /// Takes that wait, in order of arrival.
    deferred: BTreeMap<Page, Vec<Deferred>>,
    /// Pages whose take could not be carried out yet, and when to try again.
    postponed: BTreeMap<Page, u64>,
    holds: Holds,
    streams: Streams,
}

impl NodeTable {
    /// The table of `node`: at home every page starts Modified, on a board Invalid.
    pub fn new(node: NodeId, tuning: Tuning) -> Self {
        NodeTable {
            node,
            states: States::new(if node.is_home() {
                PageState::Modified
            } else {
                PageState::Invalid
            }),
            outstanding: BTreeMap::new(),
            deferred: BTreeMap::new(),
            postponed: BTreeMap::new(),
            holds: Holds::new(tuning, u64::from(node.0) << 56),
            streams: Streams::new(tuning.max_window),
        }
    }

    /// Whose table this is.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// What this node may do with `page`.
    pub fn state(&self, page: Page) -> PageState {
        self.states.get(page)
    }

    /// What a request for `page` that has not been granted asks for.
    pub fn outstanding(&self, page: Page) -> Option<Access> {
        self.outstanding.get(&page).map(|o| o.access)
    }

    /// Pages asked for and not granted yet.
    pub fn outstanding_pages(&self) -> impl Iterator<Item = Page> + '_ {
        self.outstanding.keys().copied()
    }

    /// The request that has waited longest for its grant, and since when.
    pub fn oldest_outstanding(&self) -> Option<(Page, u64)> {
        let waits = self.outstanding.iter().map(|(page, o)| (*page, o.since));
        waits.min_by_key(|(_, since)| *since)
    }

    /// What this node waits for and is asked for, in words, at most `most` pages of each.
    pub fn describe(&self, most: usize) -> Vec<String> {
        let waits = self.outstanding.iter().map(|(page, o)| {
            format!(
                "threads {:?} wait to {:?} page {page:#x}",
                o.threads, o.access
            )
        });
        let owes = self
            .deferred
            .iter()
            .map(|(page, takes)| format!("holds page {page:#x}, asked to {takes:?}"));
        waits.take(most).chain(owes.take(most)).collect()
    }

    /// The smoothed time from request to grant, nanoseconds, of fetches that waited for nobody.
    pub fn fetch_time(&self) -> u64 {
        self.holds.fetch_time()
    }

    /// `thread` (any number that names it on this node) faulted on `page`.
    pub fn fault<D>(
        &mut self,
        now: u64,
        page: Page,
        access: Access,
        thread: u32,
        out: &mut Vec<NodeAction<D>>,
    ) {
        let state = self.state(page);
        if state.allows(access) {
            out.push(NodeAction::Resolve {
                page,
                writable: state == PageState::Modified,
            });
            return;
        }
        self.holds.fault(now, page, thread);
        if let Some(outstanding) = self.outstanding.get_mut(&page) {
            if !outstanding.threads.contains(&thread) {
                outstanding.threads.push(thread);
            }
            // If it is for reading and this thread writes, the thread faults again once it is installed.
            return;
        }
        self.outstanding.insert(
            page,
            Outstanding {
                access,
                since: now,
                threads: vec![thread],
            },
        );
        let Asked { window, ahead } = self.streams.fault(page, access);
        out.push(NodeAction::Request {
            page,
            access,
            window,
        });
        if !ahead.is_empty() {
            out.push(NodeAction::Request {
                page: ahead.start,
                access,
                window: (ahead.end - ahead.start) as u32,
            });
        }
    }

    /// Home grants `page` (asked for or not). `contended`: the time it took says nothing about the network.
    #[expect(clippy::too_many_arguments, reason = "the fields of DirAction::Grant")]
    pub fn granted<D>(
        &mut self,
        now: u64,
        page: Page,
        access: Access,
        data: Option<D>,
        prefetched: bool,
        contended: bool,
        out: &mut Vec<NodeAction<D>>,
    ) {
        let before = self.state(page);
        let after = before.max(PageState::from(access));
        self.states.set(page, after);
        let writable = after == PageState::Modified;
        out.push(match (before, data) {
            _ if before == after => NodeAction::Resolve { page, writable },
            (PageState::Invalid, Some(data)) => NodeAction::Install {
                page,
                data,
                writable,
            },
            (PageState::Invalid, None) => panic!(
                "page {page:#x} was granted without the content node {} lacks",
                self.node.0
            ),
            _ => NodeAction::Promote { page },
        });
        if self
            .outstanding
            .get(&page)
            .is_none_or(|o| access < o.access)
        {
            return;
        }
        let done = self.outstanding.remove(&page).expect("looked up");
        if !contended && !prefetched {
            self.holds.measured(now.saturating_sub(done.since));
        }
        let states = &self.states;
        self.holds
            .granted(now, page, access, &done.threads, |page| states.get(page));
    }

    /// Home takes `page`. Held pages are surrendered later ([`NodeTable::due`]); an `optional` take is then refused.
    pub fn take<D>(
        &mut self,
        now: u64,
        page: Page,
        tag: u64,
        mode: TakeMode,
        optional: bool,
        out: &mut Vec<NodeAction<D>>,
    ) {
        let held = self.release_time(page) > now || self.deferred.contains_key(&page);
        if optional && held {
            out.push(NodeAction::Refuse { page, tag });
        } else if held {
            self.deferred
                .entry(page)
                .or_default()
                .push(Deferred { tag, mode });
        } else {
            self.surrender(page, tag, mode, false, out);
        }
    }

    /// A Surrender could not be carried out (the page is pinned by the kernel, or is just moving): the page is as it
    /// was, `writable` or not, and the same take comes up again at `again`.
    pub fn postpone(&mut self, page: Page, tag: u64, mode: TakeMode, writable: bool, again: u64) {
        assert!(
            self.state(page) < PageState::Modified,
            "page {page:#x} was not surrendered"
        );
        self.states.set(
            page,
            if writable {
                PageState::Modified
            } else {
                PageState::Shared
            },
        );
        self.deferred
            .entry(page)
            .or_default()
            .insert(0, Deferred { tag, mode });
        self.postponed.insert(page, again);
    }

    /// Surrenders what has been held long enough.
    pub fn due<D>(&mut self, now: u64, out: &mut Vec<NodeAction<D>>) {
        let pages: Vec<Page> = self
            .deferred
            .keys()
            .copied()
            .filter(|page| self.release_time(*page) <= now)
            .collect();
        for page in pages {
            self.surrender_deferred(page, out);
        }
        self.holds.purge(now);
    }

    /// When [`NodeTable::due`] has something to do next.
    pub fn next_due(&self) -> Option<u64> {
        self.deferred
            .keys()
            .map(|page| self.release_time(*page))
            .min()
    }

    /// `thread` waits for something that is not a page: takes of what was held for it alone are carried out.
    pub fn thread_rests<D>(&mut self, now: u64, thread: u32, out: &mut Vec<NodeAction<D>>) {
        self.holds.let_go(thread, false);
        self.due(now, out);
    }

    /// `thread` left this node: as when it rests, and nothing is remembered of it.
    pub fn thread_gone<D>(&mut self, now: u64, thread: u32, out: &mut Vec<NodeAction<D>>) {
        self.holds.let_go(thread, true);
        self.due(now, out);
    }

    /// When a take of `page` may be carried out.
    fn release_time(&self, page: Page) -> u64 {
        self.holds
            .until(page)
            .max(self.postponed.get(&page).copied().unwrap_or(0))
    }

    fn surrender_deferred<D>(&mut self, page: Page, out: &mut Vec<NodeAction<D>>) {
        for Deferred { tag, mode } in self.deferred.remove(&page).unwrap_or_default() {
            self.surrender(page, tag, mode, true, out);
        }
    }

    fn surrender<D>(
        &mut self,
        page: Page,
        tag: u64,
        mode: TakeMode,
        deferred: bool,
        out: &mut Vec<NodeAction<D>>,
    ) {
        let before = self.state(page);
        self.holds.release(page);
        self.postponed.remove(&page);
        if before == PageState::Invalid {
            out.push(NodeAction::Refuse { page, tag });
            return;
        }
        let after = if mode == TakeMode::Share {
            PageState::Shared
        } else {
            PageState::Invalid
        };
        self.states.set(page, after);
        let writable = before == PageState::Modified;
        out.push(NodeAction::Surrender {
            page,
            tag,
            mode,
            writable,
            deferred,
        });
    }
}
