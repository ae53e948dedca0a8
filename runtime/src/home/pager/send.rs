//! What is said to boards, staged until nothing can overtake it any more.

use std::collections::VecDeque;
use std::ops::Range;

use super::Staged;
use super::run::Pager;
use crate::coherence::{PAGE_SIZE, Page, TakeMode};
use crate::home::messages::BoardId;
use crate::node::Content;
use crate::wire::frame::OutFrame;
use crate::wire::limits::FRAME_PAGES;
use crate::wire::message::{Grant, Message, Take, TakeItem, TakeMode as WireMode};

/// Takes in one frame at most.
const FRAME_TAKES: usize = 4096;

/// Where a page's message goes that was staged before a mapping change was noticed.
pub(super) enum Order {
    Before,
    After,
}

/// Tells where the grant or take of a page goes; `None`: nowhere.
type Place<'a> = &'a dyn Fn(Page) -> Option<Order>;

fn place(staged: &Staged, page_goes: Place) -> Option<Order> {
    match staged {
        Staged::Grant { page, .. } | Staged::Take { page, .. } => page_goes(*page),
        // What boards have mapped changes in the order in which home saw it change.
        Staged::Other(
            Message::Map(_) | Message::Protect(_) | Message::Unmap(_) | Message::Discard(_),
        ) => Some(Order::Before),
        Staged::Other(_) => Some(Order::After),
    }
}

/// The grant or take of a page of one of the ranges.
fn is_in(staged: &Staged, ranges: &[Range<Page>]) -> bool {
    match staged {
        Staged::Grant { page, .. } | Staged::Take { page, .. } => {
            ranges.iter().any(|range| range.contains(page))
        }
        Staged::Other(_) => false,
    }
}

impl Pager {
    /// Takes away what is staged for boards, so that the news of a mapping change overtakes it: a
    /// thread that a grant or a reply sets going must not see the old mapping.
    pub(super) fn hold_back(&mut self) -> Vec<VecDeque<Staged>> {
        self.boards
            .iter_mut()
            .map(|b| std::mem::take(&mut b.staged))
            .collect()
    }

    /// Puts back what was held back, around what was staged meanwhile.
    pub(super) fn put_back(
        &mut self,
        held: Vec<VecDeque<Staged>>,
        page_goes: impl Fn(Page) -> Option<Order>,
    ) {
        for (board, held) in self.boards.iter_mut().zip(held) {
            let news = std::mem::take(&mut board.staged);
            let (mut before, mut after) = (VecDeque::new(), VecDeque::new());
            // Mappings whose end is staged after what is looked at.
            let mut ending: Vec<Range<Page>> = Vec::new();
            for staged in held.into_iter().rev() {
                let order = match place(&staged, &page_goes) {
                    // A take that came after its page's mapping is gone would find nothing there.
                    Some(Order::After) if is_in(&staged, &ending) => Some(Order::Before),
                    order => order,
                };
                if let Staged::Other(Message::Unmap(gone)) = &staged {
                    ending.push(gone.start / PAGE_SIZE as u64..gone.end / PAGE_SIZE as u64);
                }
                match order {
                    Some(Order::Before) => before.push_front(staged),
                    Some(Order::After) => after.push_front(staged),
                    None => {}
                }
            }
            board.staged = before;
            board.staged.extend(news);
            board.staged.extend(after);
        }
    }

    /// Queues something for a board.
    pub(super) fn stage(&mut self, board: BoardId, what: Staged) {
        let link = &mut self.boards[usize::from(board) - 1];
        if link.alive {
            link.staged.push_back(what);
        }
    }

    /// Something waits to be sent.
    pub(super) fn has_staged(&self) -> bool {
        self.boards.iter().any(|b| !b.staged.is_empty())
    }

    /// Sends everything that is staged: runs of grants as one frame, takes likewise.
    pub(super) fn send_staged(&mut self) {
        for board in 1..=self.boards.len() as BoardId {
            while let Some(frame) = self.next_frame(board) {
                let link = &mut self.boards[usize::from(board) - 1];
                if let Err(reason) = link.link.push(frame) {
                    self.lose(board, &reason);
                }
            }
        }
    }

    /// Takes the next frame's worth off a board's queue.
    fn next_frame(&mut self, board: BoardId) -> Option<OutFrame> {
        let queue = &mut self.boards[usize::from(board) - 1].staged;
        match queue.pop_front()? {
            Staged::Other(message) => Some(OutFrame::from(message)),
            Staged::Take {
                page,
                tag,
                mode,
                optional,
            } => {
                let mut items = vec![take_item(page, tag, mode, optional)];
                while let Some(Staged::Take {
                    page,
                    tag,
                    mode,
                    optional,
                }) = queue.front().filter(|_| items.len() < FRAME_TAKES)
                {
                    items.push(take_item(*page, *tag, *mode, *optional));
                    queue.pop_front();
                }
                Some(OutFrame::from(Take { items }))
            }
            Staged::Grant {
                page: first,
                write,
                data,
                prefetched,
                contended,
            } => {
                let mut contents = vec![data];
                while contents.len() < FRAME_PAGES {
                    match queue.front_mut() {
                        Some(Staged::Grant {
                            page,
                            write: w,
                            data,
                            prefetched: p,
                            contended: c,
                        }) if *page == first + contents.len() as u64
                            && (*w, *p, *c) == (write, prefetched, contended) =>
                        {
                            contents.push(data.take());
                            queue.pop_front();
                        }
                        _ => break,
                    }
                }
                for (page, content) in (first..).zip(&contents) {
                    self.traffic.count(content.as_ref());
                    self.traffic.comes(board, page);
                }
                let pages = contents.into_iter().map(Content::to_wire);
                Some(Grant::frame(first, write, prefetched, contended, pages))
            }
        }
    }
}

fn take_item(page: Page, tag: u64, mode: TakeMode, optional: bool) -> TakeItem {
    let mode = match mode {
        TakeMode::Share => WireMode::Share,
        TakeMode::Give => WireMode::Give,
        TakeMode::Drop => WireMode::Drop,
    };
    TakeItem {
        page,
        tag,
        mode: mode as i32,
        optional,
    }
}
