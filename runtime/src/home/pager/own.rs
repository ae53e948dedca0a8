//! What a board has for itself of a program of rtx-cc: the code, constants and data of the file for its
//! instruction set that are not shared. Nothing of it is in the directory.

use super::run::Pager;
use super::{Mapped, MappedKind, Staged};
use crate::coherence::{PAGE_SIZE, Page};
use crate::continuations::{Image, Part};
use crate::home::messages::BoardId;
use crate::memory::maps::Prot;
use crate::wire::message::Points;

const SIZE: u64 = PAGE_SIZE as u64;
/// PROT_WRITE (mmap(2)).
const WRITABLE: u32 = 2;

impl Pager {
    /// The program's file for a board.
    fn image_for(&self, board: BoardId) -> Option<&Image> {
        let isa = &self.boards[usize::from(board) - 1].facts.isa;
        self.pair.as_ref()?.of(isa)
    }

    /// Gives `board` its own mapping at `addr`, if there is one. `None`: what is there is shared. False:
    /// only other nodes have something of their own there.
    pub(super) fn map_own(&mut self, board: BoardId, addr: u64) -> Option<bool> {
        if !self.pair.as_ref()?.is_own(&(addr..addr + 1)) {
            return None;
        }
        let Some(Part { range, prot }) = self.image_for(board)?.part(addr).cloned() else {
            return Some(false);
        };
        let link = &self.boards[usize::from(board) - 1];
        if link.mapped.get(addr).is_none() {
            let prot = Prot {
                r: prot & 1 != 0,
                w: prot & WRITABLE != 0,
                x: prot & 4 != 0,
            };
            let kind = MappedKind::Own;
            self.tell_mapping(board, range, Mapped { prot, kind });
        }
        Some(true)
    }

    /// Sends pages of a board's own.
    pub(super) fn send_own(&mut self, board: BoardId, page: Page, count: u32) {
        let Some(image) = self.image_for(board) else {
            return;
        };
        let write = image
            .part(page * SIZE)
            .is_some_and(|part| part.prot & WRITABLE != 0);
        let pages = (page..).take(count as usize);
        let contents: Vec<_> = pages.map_while(|page| image.page(page * SIZE)).collect();
        for (page, data) in (page..).zip(contents) {
            let grant = Staged::Grant {
                page,
                write,
                data: Some(data),
                prefetched: true,
                contended: false,
            };
            self.stage(board, grant);
        }
    }

    /// Where a board asks threads to leave.
    pub(super) fn points(&self, board: BoardId) -> Option<Points> {
        let note = &self.image_for(board)?.note;
        Some(Points {
            indicator: note.indicator,
            requests: note.requests,
            foreign: self.boards[usize::from(board) - 1].facts.foreign,
        })
    }

    /// Sends a board the data of its own at once, because it writes there itself.
    pub(super) fn send_own_data(&mut self, board: BoardId) {
        let Some(image) = self.image_for(board) else {
            return;
        };
        let data = image.own().iter().filter(|part| part.prot & WRITABLE != 0);
        for Part { range, .. } in data.cloned().collect::<Vec<_>>() {
            self.map_own(board, range.start);
            let count = (range.end - range.start) / SIZE;
            self.send_own(board, range.start / SIZE, count as u32);
        }
    }

    /// Where the threads of a board take up their continuations.
    pub(super) fn resume_at(&self, board: BoardId) -> Option<u64> {
        self.image_for(board).map(|image| image.note.resume)
    }
}
