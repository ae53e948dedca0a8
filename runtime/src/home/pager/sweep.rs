//! Bringing pages home in numbers: pins for the kernel's writes at a thread's end, everything
//! before a core is written or the guest is let go, and what a forked child lacks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use nix::unistd::Pid;

use super::run::Pager;
use super::{PagerError, Share};
use crate::coherence::{Access, NodeId, PAGE_SIZE, Page};
use crate::guest::ptrace::Tid;
use crate::home::messages::ToSupervisor;
use crate::memory::pagemap::Pagemap;
use crate::memory::remote;
use crate::memory::vm_flags;
use crate::node::LocalError;

const SIZE: u64 = PAGE_SIZE as u64;
/// Pages on their way home at a time when everything is fetched.
const FETCHES: usize = 1024;
/// Pages of a forked child that are filled at a time.
const FILL_CHUNK: usize = 64;

/// What is under way.
#[derive(Default)]
pub(super) struct Sweeps {
    /// Pins by token: pages still awaited, and all pages.
    pins: BTreeMap<u64, (BTreeSet<Page>, Vec<Page>)>,
    /// Waiting for everything to be home.
    fetches: Vec<u64>,
    /// Pages asked for by fetches.
    fetching: BTreeSet<Page>,
    /// Children to fill, the first under way.
    children: VecDeque<Child>,
}

struct Child {
    pid: Tid,
    /// Pages it lacks and has not got.
    left: VecDeque<Page>,
    /// Pinned at home, or about to be, to be copied next.
    chunk: Vec<Page>,
    awaited: BTreeSet<Page>,
}

impl Pager {
    /// Brings the pages of these addresses home, writable, until [`Pager::unpin`].
    pub(super) fn pin(&mut self, token: u64, addresses: &[u64]) {
        let Some(share) = &mut self.share else {
            self.notify(ToSupervisor::Pinned { token });
            return;
        };
        // Memory that is not watched yet too: a board may ask for it while it is pinned.
        let pages: BTreeSet<Page> = addresses.iter().map(|a| a / SIZE).collect();
        assert!(!pages.is_empty(), "a pin of nothing is never complete");
        let all = pages.iter().copied().collect();
        share.sweeps.pins.insert(token, (pages.clone(), all));
        for page in pages {
            share.directory.pin(page, &mut share.scratch);
        }
        share.actions.extend(share.scratch.drain(..));
    }

    /// Lets pinned pages go.
    pub(super) fn unpin(&mut self, token: u64) {
        let Some(share) = &mut self.share else { return };
        if let Some((_, pages)) = share.sweeps.pins.remove(&token) {
            for page in pages {
                share.directory.unpin(page, &mut share.scratch);
            }
            share.actions.extend(share.scratch.drain(..));
        }
    }

    /// A page is pinned (or its mapping is gone, so that nobody needs it).
    pub(super) fn pinned(&mut self, page: Page) {
        let Some(share) = &mut self.share else { return };
        let mut complete = Vec::new();
        for (token, (awaited, _)) in &mut share.sweeps.pins {
            if awaited.remove(&page) && awaited.is_empty() {
                complete.push(*token);
            }
        }
        if let Some(child) = share.sweeps.children.front_mut() {
            child.awaited.remove(&page);
        }
        for call in &mut share.pinned {
            call.awaited.remove(&page);
        }
        for token in complete {
            self.pinned_tokens.push(token);
        }
    }

    /// Brings everything home.
    pub(super) fn fetch_all(&mut self, token: u64) {
        match &mut self.share {
            Some(share) => share.sweeps.fetches.push(token),
            None => self.notify(ToSupervisor::Fetched { token }),
        }
    }

    /// Fills a forked child, which is stopped, with what home lacked when it was forked.
    pub(super) fn fill_child(&mut self, pid: Tid) -> Result<(), PagerError> {
        let Some(share) = &mut self.share else {
            self.notify(ToSupervisor::Filled { child: pid });
            return Ok(());
        };
        // A page is wanted if it was ever shared and the child does not have it: it was away when
        // the kernel copied, even if it has come home since.
        let mut left = VecDeque::new();
        let Ok(pagemap) = Pagemap::open(Pid::from_raw(pid)) else {
            self.notify(ToSupervisor::Filled { child: pid });
            return Ok(());
        };
        for &page in &share.ever_shared {
            if pagemap.populated(page * SIZE, 1).is_ok_and(|p| !p[0]) {
                left.push_back(page);
            }
        }
        if !left.is_empty() {
            // What is to be zero in a child (MADV_WIPEONFORK) is.
            match vm_flags::ranges_with(Pid::from_raw(pid), b"wf") {
                Ok(wiped) => left.retain(|page| wiped.get(page * SIZE).is_none()),
                Err(_) if !std::path::Path::new(&format!("/proc/{pid}")).exists() => left.clear(),
                Err(e) => {
                    return Err(PagerError::Other(format!(
                        "cannot read the mappings of a forked child: {e}"
                    )));
                }
            }
        }
        share.sweeps.children.push_back(Child {
            pid,
            left,
            chunk: Vec::new(),
            awaited: BTreeSet::new(),
        });
        Ok(())
    }

    /// Moves what is under way a step on. True: it caused new actions.
    pub(super) fn sweep(&mut self) -> Result<bool, PagerError> {
        for token in std::mem::take(&mut self.pinned_tokens) {
            self.notify(ToSupervisor::Pinned { token });
        }
        self.make_pinned()?;
        self.leave_step()?;
        let mut notices = Vec::new();
        let Some(share) = &mut self.share else {
            return Ok(false);
        };
        share.fetch_step(&mut notices);
        share.fill_step(&mut notices)?;
        share.actions.extend(share.scratch.drain(..));
        let more = !share.actions.is_empty();
        for notice in notices {
            self.notify(notice);
        }
        Ok(more)
    }
}

impl Share {
    fn fetch_step(&mut self, notices: &mut super::Notices) {
        if self.sweeps.fetches.is_empty() {
            return;
        }
        // All of them are on their way: nothing to look for.
        let on_their_way = |page: &Page| self.directory.is_busy(*page);
        if self.sweeps.fetching.len() >= FETCHES && self.sweeps.fetching.iter().all(on_their_way) {
            return;
        }
        let missing: BTreeSet<Page> = self
            .directory
            .missing_at_home(0..u64::MAX)
            .into_iter()
            .collect();
        if missing.is_empty() && !self.still_scatters() {
            self.sweeps.fetching.clear();
            notices.extend(
                self.sweeps
                    .fetches
                    .drain(..)
                    .map(|token| ToSupervisor::Fetched { token }),
            );
            return;
        }
        self.sweeps.fetching.retain(|page| missing.contains(page));
        for page in missing {
            if self.sweeps.fetching.len() >= FETCHES && !self.sweeps.fetching.contains(&page) {
                continue;
            }
            self.sweeps.fetching.insert(page);
            // Asked for anew each time: it may have come and have been taken away again since. The
            // directory knows what is asked for already.
            self.directory
                .request(NodeId::HOME, page, Access::Read, 1, &mut self.scratch);
        }
    }

    fn fill_step(&mut self, notices: &mut super::Notices) -> Result<(), PagerError> {
        while let Some(child) = self.sweeps.children.front_mut() {
            if !child.awaited.is_empty() {
                return Ok(());
            }
            for page in std::mem::take(&mut child.chunk) {
                copy_page(&self.node.memory, child.pid, page)?;
                self.directory.unpin(page, &mut self.scratch);
            }
            let next = child.left.len().min(FILL_CHUNK);
            child.chunk = child.left.drain(..next).collect();
            if child.chunk.is_empty() {
                notices.push(ToSupervisor::Filled { child: child.pid });
                self.sweeps.children.pop_front();
                continue;
            }
            child.awaited = child.chunk.iter().copied().collect();
            for page in &child.chunk {
                self.directory.pin(*page, &mut self.scratch);
            }
            return Ok(());
        }
        Ok(())
    }
}

/// Copies a page that is pinned at home into a forked child. What the child has unmapped (or home
/// has, meanwhile) is left alone.
fn copy_page(memory: &crate::node::LocalMemory, child: Tid, page: Page) -> Result<(), PagerError> {
    let addr = page * SIZE;
    // What is not there at home either has never been touched.
    let bytes = match memory.read(&[(addr, PAGE_SIZE)]) {
        Ok(bytes) => bytes,
        Err(LocalError::Unmapped(_)) => return Ok(()),
        Err(e) => return Err(e.into()),
    };
    match remote::write_any(Pid::from_raw(child), addr, &bytes) {
        Ok(()) | Err(remote::RemoteError::Gone { .. } | remote::RemoteError::Fault { .. }) => {
            Ok(())
        }
        Err(e) => Err(PagerError::Other(format!(
            "cannot fill a forked child: {e}"
        ))),
    }
}
