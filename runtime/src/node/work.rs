//! Carrying out what a node's table wants done.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Instant;

use super::{Content, LocalError, LocalMemory};
use crate::coherence::{Access, NodeAction, NodeId, NodeTable, Page, PageState, TakeMode, Tuning};

/// What the directory must be told.
#[derive(Debug)]
pub enum Outcome {
    /// This node wants a page.
    Request {
        page: Page,
        access: Access,
        window: u32,
    },
    /// Pages were taken from this node, one tag each, with their content unless they were only
    /// dropped.
    Taken {
        pages: Vec<(u64, Option<Content>)>,
        deferred: bool,
    },
    /// A take was refused.
    Refused { tag: u64 },
}

/// Pages worked on at once at most: what fits a frame.
const RUN: usize = crate::wire::limits::FRAME_PAGES;
/// Pages given up at once at most: a large window leaves in parts, so that the other side works on
/// one while this side reads the next, and so that a part stays in the processor's cache.
const PART: usize = 32;

/// When a take of a page that was pinned is tried again, in nanoseconds.
const PINNED: u64 = 200_000;

/// How far [`Node::work`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// All done.
    Done,
    /// A part of a larger piece of work is done: tell about it, then call again.
    More,
    /// Mapping changes wait to be handled first; then call again.
    Busy,
}

/// A node's table and memory.
pub struct Node {
    /// Who may do what with which page here.
    pub table: NodeTable,
    /// The pages.
    pub memory: LocalMemory,
    todo: VecDeque<NodeAction<Content>>,
    scratch: Vec<NodeAction<Content>>,
    epoch: Instant,
}

impl Node {
    /// A node without pages.
    pub fn new(id: NodeId, memory: LocalMemory) -> Node {
        Node {
            table: NodeTable::new(id, Tuning::default()),
            memory,
            todo: VecDeque::new(),
            scratch: Vec::new(),
            epoch: Instant::now(),
        }
    }

    /// Nanoseconds on this node's own clock.
    pub fn now(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    /// When [`Node::due`] has something to do.
    pub fn next_due(&self) -> Option<Instant> {
        let due = self.table.next_due()?;
        Some(self.epoch + std::time::Duration::from_nanos(due))
    }

    /// The page that a thread of this node has waited for longest, and since when.
    pub fn oldest_wait(&self) -> Option<(Page, Instant)> {
        let (page, since) = self.table.oldest_outstanding()?;
        Some((page, self.epoch + std::time::Duration::from_nanos(since)))
    }

    fn feed(&mut self, event: impl FnOnce(&mut NodeTable, u64, &mut Vec<NodeAction<Content>>)) {
        let now = self.now();
        event(&mut self.table, now, &mut self.scratch);
        self.todo.extend(self.scratch.drain(..));
    }

    /// A thread of this node waits for a page.
    pub fn fault(&mut self, page: Page, access: Access, thread: u32) {
        self.feed(|table, now, out| table.fault(now, page, access, thread, out));
    }

    /// The directory grants a page.
    pub fn granted(
        &mut self,
        page: Page,
        access: Access,
        data: Option<Content>,
        prefetched: bool,
        contended: bool,
    ) {
        self.feed(|table, now, out| {
            table.granted(now, page, access, data, prefetched, contended, out)
        });
    }

    /// The directory takes a page.
    pub fn take(&mut self, page: Page, tag: u64, mode: TakeMode, optional: bool) {
        self.feed(|table, now, out| table.take(now, page, tag, mode, optional, out));
    }

    /// Takes whose hold has ended.
    pub fn due(&mut self) {
        self.feed(|table, now, out| table.due(now, out));
    }

    /// A thread of this node waits, but not for a page.
    pub fn thread_rests(&mut self, thread: u32) {
        self.feed(|table, now, out| table.thread_rests(now, thread, out));
    }

    /// A thread of this node is gone.
    pub fn thread_gone(&mut self, thread: u32) {
        self.feed(|table, now, out| table.thread_gone(now, thread, out));
    }

    /// A mapping of this node is about to go (board), or is gone (home).
    pub fn remove(&mut self, pages: Range<Page>) {
        self.feed(|table, _, out| table.remove(pages.start, pages.end - pages.start, out));
    }

    /// Pages lose their content.
    pub fn discard(&mut self, pages: Range<Page>) {
        self.feed(|table, _, out| table.discard(pages.start, pages.end - pages.start, out));
    }

    /// Home's pages moved with their mapping.
    pub fn remap(&mut self, from: Page, to: Page, count: u64) {
        self.feed(|table, _, out| table.remap(from, to, count, out));
    }

    /// Forgets what is still to be done in a range whose memory is no longer what it was meant
    /// for: it would strike whatever is mapped there now. Threads that waited for it fault again.
    pub fn forget_work(&mut self, pages: &Range<Page>) -> Result<(), LocalError> {
        self.todo.retain(|action| match action {
            NodeAction::Install { page, .. }
            | NodeAction::Promote { page }
            | NodeAction::Resolve { page, .. }
            | NodeAction::Surrender { page, .. } => !pages.contains(page),
            _ => true,
        });
        self.memory.wake(pages.clone())
    }

    /// Pages moved with their mapping: what is still to be done happens at the new place. Takes wait
    /// again, and the table refuses them when it hears of the move: the directory still wants their
    /// answer.
    pub fn move_work(&mut self, old: &Range<Page>, to: Page) {
        let mut takes = Vec::new();
        self.todo.retain(|action| match action {
            NodeAction::Surrender {
                page,
                tag,
                mode,
                writable,
                ..
            } if old.contains(page) => {
                takes.push((*page, *tag, *mode, *writable));
                false
            }
            _ => true,
        });
        for (page, tag, mode, writable) in takes.into_iter().rev() {
            self.table.postpone(page, tag, mode, writable, 0);
        }
        for action in &mut self.todo {
            match action {
                NodeAction::Install { page, .. }
                | NodeAction::Promote { page }
                | NodeAction::Resolve { page, .. }
                    if old.contains(page) =>
                {
                    *page = to + (*page - old.start);
                }
                _ => {}
            }
        }
    }

    /// Does what is to be done, in order; what the directory must know goes to `out`.
    pub fn work(&mut self, out: &mut Vec<Outcome>) -> Result<Work, LocalError> {
        while let Some(action) = self.todo.front() {
            let gives_up = matches!(action, NodeAction::Surrender { .. });
            let done = match action {
                NodeAction::Request {
                    page,
                    access,
                    window,
                } => {
                    out.push(Outcome::Request {
                        page: *page,
                        access: *access,
                        window: *window,
                    });
                    Ok(1)
                }
                NodeAction::Refuse { tag, .. } => {
                    out.push(Outcome::Refused { tag: *tag });
                    Ok(1)
                }
                NodeAction::Wake { page } => self.memory.wake(*page..*page + 1).map(|()| 1),
                NodeAction::Promote { page } => {
                    let adjacent = |(i, action): &(usize, &NodeAction<Content>)| matches!(action, NodeAction::Promote { page: p } if *p == page + *i as u64);
                    let run = self.todo.iter().enumerate().take_while(adjacent).count();
                    self.memory.promote(*page, run as u64).map(|()| run)
                }
                NodeAction::Resolve { page, writable } => {
                    let (page, writable) = (*page, *writable);
                    let table = &self.table;
                    let own = |from: Page, most: u64| {
                        // What is still to be installed is the node's already.
                        let end = self.todo.iter().filter_map(|action| match action {
                            NodeAction::Install { page, .. } if *page >= from => Some(*page),
                            _ => None,
                        });
                        let end = end.min().unwrap_or(u64::MAX).min(from + most);
                        let own = |p: &Page| table.state(*p) == PageState::Modified;
                        (from..end).take_while(own).count() as u64
                    };
                    let fresh = self.table.node().is_home();
                    self.memory
                        .resolve(page, writable, fresh.then_some(own))
                        .map(|()| 1)
                }
                NodeAction::Install { .. } => self.install_run(),
                NodeAction::Surrender { .. } => self.surrender_run(out),
            };
            match done {
                Ok(count) => {
                    self.todo.drain(..count);
                    if gives_up && count == PART {
                        return Ok(Work::More);
                    }
                }
                Err(LocalError::Busy) => return Ok(Work::Busy),
                // The kernel looks for the mapping before it looks whether mappings change.
                Err(LocalError::Unmapped(_)) if self.memory.changing()? => return Ok(Work::Busy),
                Err(e) => return Err(e),
            }
        }
        Ok(Work::Done)
    }

    /// Installs the run of pages at the front of the queue at once.
    fn install_run(&mut self) -> Result<usize, LocalError> {
        let mut run: Vec<Content> = Vec::new();
        let mut start = None;
        for action in self.todo.iter().take(RUN) {
            match action {
                NodeAction::Install {
                    page,
                    data,
                    writable,
                } => {
                    let (first, kind) = *start.get_or_insert((*page, *writable));
                    if *page != first + run.len() as u64 || *writable != kind {
                        break;
                    }
                    run.push(data.clone());
                }
                _ => break,
            }
        }
        let (first, writable) = start.expect("the front is an install");
        self.memory.install(first, &run, writable)
    }

    /// Surrenders the run of pages at the front of the queue at once.
    fn surrender_run(&mut self, out: &mut Vec<Outcome>) -> Result<usize, LocalError> {
        let mut tags = Vec::new();
        let mut start = None;
        let mut any_writable = false;
        let mut any_deferred = false;
        let careful = self.memory.watches_pins();
        for action in self.todo.iter().take(PART) {
            match action {
                NodeAction::Surrender {
                    page,
                    tag,
                    mode,
                    writable,
                    deferred,
                } => {
                    let (first, kind) = *start.get_or_insert((*page, *mode));
                    if *page != first + tags.len() as u64 || *mode != kind {
                        break;
                    }
                    // What may be pinned is taken in another way.
                    if careful && !tags.is_empty() && *writable != any_writable {
                        break;
                    }
                    tags.push(*tag);
                    any_writable |= *writable;
                    any_deferred |= *deferred;
                }
                _ => break,
            }
        }
        let (first, mode) = start.expect("the front is a surrender");
        if careful && any_writable && mode.sends_data() {
            return self.surrender_unpinned(first, tags.len(), out);
        }
        let contents = self
            .memory
            .surrender(first, tags.len(), mode, any_writable)?;
        let count = tags.len();
        let mut contents = contents.into_iter();
        let pages = tags.into_iter().map(|tag| (tag, contents.next())).collect();
        out.push(Outcome::Taken {
            pages,
            deferred: any_deferred,
        });
        Ok(count)
    }

    /// Surrenders the run of `count` pages at the front of the queue, but for those that are pinned:
    /// their takes come up again.
    fn surrender_unpinned(
        &mut self,
        first: Page,
        count: usize,
        out: &mut Vec<Outcome>,
    ) -> Result<usize, LocalError> {
        let contents = self.memory.surrender_unpinned(first, count)?;
        let again = self.now() + PINNED;
        let (mut pages, mut any_deferred, mut kept) = (Vec::new(), false, Vec::new());
        for (action, content) in self.todo.iter().take(count).zip(contents) {
            let NodeAction::Surrender {
                page,
                tag,
                mode,
                writable,
                deferred,
            } = action
            else {
                unreachable!("the run is surrenders")
            };
            let Some(content) = content else {
                self.table.postpone(*page, *tag, *mode, *writable, again);
                continue;
            };
            any_deferred |= deferred;
            if *mode == TakeMode::Share {
                // It goes back, to be read only.
                kept.push(NodeAction::Install {
                    page: *page,
                    data: content.clone(),
                    writable: false,
                });
            }
            pages.push((*tag, Some(content)));
        }
        self.todo.drain(..count);
        // What goes back is done next.
        for install in kept.into_iter().rev() {
            self.todo.push_front(install);
        }
        out.push(Outcome::Taken {
            pages,
            deferred: any_deferred,
        });
        Ok(0)
    }
}
