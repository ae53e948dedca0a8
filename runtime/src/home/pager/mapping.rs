//! Following the guest's mappings: what boards may map, and what they must drop.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use nix::unistd::Pid;

use super::run::Pager;
use super::send::Order;
use super::serve::{CHANGE_PATIENCE, changes_forever};
use super::unseen::found;
use super::watching::Watched;
use super::{Mapped, MappedKind, PagerError, Share, Staged};
use crate::coherence::{DirAction, PAGE_SIZE, Page};
use crate::guest::ptrace::Tid;
use crate::home::foreign::is_made;
use crate::home::messages::{BoardId, ToSupervisor};
use crate::memory::maps::{Kind, Prot, Vma, read_maps};
use crate::report::RecallCause;
use crate::wire::message::{Discard, Map, MapKind, Mapped as NowMapped, NoMap, Protect, Unmap};

const SIZE: u64 = PAGE_SIZE as u64;
/// Bytes of a file mapping that is copied into anonymous memory at most; threads that touch a larger
/// one stay home.
const MAX_CONVERTED: u64 = 256 << 20;

fn pages(start: u64, end: u64) -> Range<Page> {
    start / SIZE..end / SIZE
}

/// What can be done with a mapping of the guest on a board.
enum Fate {
    Mapped(MappedKind),
    /// Make it anonymous first.
    Convert,
    /// Threads that touch it must be at home.
    HomeOnly,
}

/// A mapping that a board asks for.
enum Found {
    Mapped(Vma, MappedKind),
    /// To be made anonymous first.
    Convert,
    /// There is none that boards may have.
    HomeOnly,
}

fn fate(vma: &Vma, program: &Path) -> Fate {
    match vma.kind {
        Kind::Vdso => Fate::Mapped(MappedKind::Vdso),
        _ if vma.shared || vma.prot.none() || !vma.prot.r => Fate::HomeOnly,
        _ if vma.kind.is_anon() => Fate::Mapped(MappedKind::Tracked),
        // Anonymous memory tells when it is unmapped; a file's does not. The program's own code and
        // constants stay where they are.
        _ if vma.is_private_file() && !vma.prot.w && vma.kind.file() == Some(program) => {
            Fate::Mapped(MappedKind::Image)
        }
        _ if vma.is_private_file() && vma.len() <= MAX_CONVERTED => Fate::Convert,
        _ => Fate::HomeOnly,
    }
}

impl Pager {
    /// A board's thread touched an address at which its replica has nothing suitable.
    pub(super) fn on_map_request(
        &mut self,
        board: BoardId,
        thread: Tid,
        addr: u64,
    ) -> Result<(), PagerError> {
        if let Some(ready) = self.map_for(board, addr, Some(thread))? {
            let there = ready
                && self.boards[usize::from(board) - 1]
                    .retries
                    .allow(thread, addr);
            self.answer(board, thread, addr, there);
        }
        Ok(())
    }

    /// Tells a board whether the thread that touched `addr` may try again.
    fn answer(&mut self, board: BoardId, thread: Tid, addr: u64, there: bool) {
        let thread_id = thread as u32;
        let message = if there {
            let thread = thread_id;
            NowMapped { thread, addr }.into()
        } else {
            let cause = self.share.as_ref().map(|share| why_not(share, addr));
            let link = &mut self.boards[usize::from(board) - 1];
            link.refused
                .insert(thread, cause.unwrap_or(RecallCause::Fault));
            let thread = thread_id;
            NoMap { thread, addr }.into()
        };
        self.stage(board, Staged::Other(message));
    }

    /// Gives `board` the mapping at `addr`. False: there is none it may have. `None`: the answer
    /// comes later, for `thread`.
    pub(super) fn map_for(
        &mut self,
        board: BoardId,
        addr: u64,
        thread: Option<Tid>,
    ) -> Result<Option<bool>, PagerError> {
        if let Some(own) = self.map_own(board, addr) {
            return Ok(Some(own));
        }
        let (vma, kind) = match self.find(addr)? {
            Found::Mapped(vma, kind) => (vma, kind),
            Found::HomeOnly => return Ok(Some(false)),
            Found::Convert => {
                let (Some(thread), Some(share)) = (thread, &mut self.share) else {
                    return Ok(Some(false));
                };
                let waiting = share.converting.entry(addr).or_default();
                waiting.push((board, thread));
                if waiting.len() == 1 {
                    self.notify(ToSupervisor::Convert { addr });
                }
                return Ok(None);
            }
        };
        let Some(share) = &mut self.share else {
            return Ok(Some(false));
        };
        let link = &self.boards[usize::from(board) - 1];
        if kind == MappedKind::Vdso && link.facts.is_of_other_isa() {
            return Ok(Some(false));
        }
        if kind == MappedKind::Vdso && share.vdso.is_none() {
            share.vdso =
                super::vdso::Image::of(Pid::from_raw(share.pid), &vma, share.node.memory.stub);
            if share.vdso.is_none() {
                return Ok(Some(false));
            }
        }
        let prot = self.prot_on(board, &vma);
        let wanted = Mapped { prot, kind };
        let link = &mut self.boards[usize::from(board) - 1];
        let have: Vec<_> = link
            .mapped
            .overlaps(vma.range())
            .map(|(r, m)| (r, *m))
            .collect();
        let same = have.len() == 1
            && have[0].0.start <= vma.start
            && have[0].0.end >= vma.end
            && have[0].1 == wanted;
        if same {
            return Ok(Some(true));
        }
        // Pages of another kind are of another mapping.
        for (range, _) in have.iter().filter(|(_, m)| m.kind != kind) {
            let (start, end) = (range.start.max(vma.start), range.end.min(vma.end));
            self.stage(board, Staged::Other(Unmap { start, end }.into()));
        }
        self.tell_mapping(board, vma.range(), wanted);
        Ok(Some(true))
    }

    /// The mapping at an address, watched if it is to be.
    fn find(&mut self, addr: u64) -> Result<Found, PagerError> {
        for _ in 0..CHANGE_PATIENCE {
            // An unmapping whose event is not yet read must not strike what is mapped there now.
            self.catch_up()?;
            let Some(share) = &mut self.share else {
                return Ok(Found::HomeOnly);
            };
            let vma = share.mapping_at(addr)?;
            let Some(vma) = vma.filter(|v| !share.is_ours(v)) else {
                return Ok(Found::HomeOnly);
            };
            let kind = match fate(&vma, &share.program) {
                Fate::Mapped(MappedKind::Tracked) => match share.watch(&vma)? {
                    Watched::Yes => MappedKind::Tracked,
                    // Some anonymous memory cannot be (huge page files); threads use it at home.
                    Watched::No => return Ok(Found::HomeOnly),
                    Watched::Changing => continue,
                },
                Fate::Mapped(kind) => kind,
                Fate::HomeOnly => return Ok(Found::HomeOnly),
                Fate::Convert => return Ok(Found::Convert),
            };
            return Ok(Found::Mapped(vma, kind));
        }
        Err(changes_forever())
    }

    /// Tells a board of a mapping.
    pub(super) fn tell_mapping(&mut self, board: BoardId, range: Range<u64>, mapped: Mapped) {
        let link = &mut self.boards[usize::from(board) - 1];
        link.mapped.insert(range.clone(), mapped);
        link.retries.changed();
        let map = Map {
            start: range.start,
            end: range.end,
            prot: mapped.prot.bits(),
            kind: wire_kind(mapped.kind) as i32,
        };
        self.stage(board, Staged::Other(map.into()));
    }

    /// The supervisor made the mapping at `addr` anonymous, or could not.
    pub(super) fn on_converted(&mut self, addr: u64) -> Result<(), PagerError> {
        let waiting = self
            .share
            .as_mut()
            .and_then(|s| s.converting.remove(&addr))
            .unwrap_or_default();
        for (board, thread) in waiting {
            let there = self.map_for(board, addr, None)?.unwrap_or(false);
            self.answer(board, thread, addr, there);
        }
        Ok(())
    }

    /// Memory that was watched is no longer mapped at home.
    pub(super) fn unmapped(&mut self, start: u64, end: u64) -> Result<(), PagerError> {
        let Some(share) = &mut self.share else {
            return Ok(());
        };
        let range = pages(start, end);
        share.node.forget_work(&range)?;
        share
            .directory
            .forget(range.start, range.end - range.start, &mut share.scratch);
        // Takes that are still awaited belong to an mremap away from here; what they take must have
        // been granted before.
        let awaited = |tag: u64| share.directory.awaits(tag).is_some();
        let moving: BTreeSet<Page> = self
            .boards
            .iter()
            .flat_map(|b| &b.staged)
            .filter_map(|s| match s {
                Staged::Take { page, tag, .. } if awaited(*tag) => Some(*page),
                _ => None,
            })
            .collect();
        share.actions.retain(|a| match a {
            DirAction::Take { tag, .. } => awaited(*tag),
            a => !concerns(a, &range),
        });
        share.node.remove(range.clone());
        share.ever_shared.retain(|page| !range.contains(page));
        share.registered.remove(start..end);
        let held = self.hold_back();
        self.unmap_on_boards(start, end);
        self.put_back(held, |page| match range.contains(&page) {
            true => moving.contains(&page).then_some(Order::Before),
            false => Some(Order::After),
        });
        self.take_up_actions();
        Ok(())
    }

    fn take_up_actions(&mut self) {
        if let Some(share) = &mut self.share {
            share.actions.extend(share.scratch.drain(..));
        }
    }

    /// Memory that was watched moved.
    pub(super) fn remapped(&mut self, from: u64, to: u64, len: u64) -> Result<(), PagerError> {
        // What is still to be done belongs to the old place.
        self.dispatch()?;
        let Some(share) = &mut self.share else {
            return Ok(());
        };
        let count = len / SIZE;
        let old = pages(from, from + len);
        share.node.forget_work(&pages(to, to + len))?;
        share.node.move_work(&old, to / SIZE);
        share
            .directory
            .remap(old.start, to / SIZE, count, &mut share.scratch);
        share.node.remap(old.start, to / SIZE, count);
        share.node.memory.wake(old.clone())?;
        share.registered.remove(from..from + len);
        share.registered.insert(to..to + len, ());
        let moved: Vec<Page> = share.ever_shared.range(old.clone()).copied().collect();
        for page in moved {
            share.ever_shared.remove(&page);
            share.ever_shared.insert(to / SIZE + (page - old.start));
        }
        self.take_up_actions();
        let held = self.hold_back();
        // Takes under the old numbers must reach boards before they forget them, and grants that
        // they concern before the takes.
        self.dispatch()?;
        self.unmap_on_boards(from, from + len);
        self.unmap_on_boards(to, to + len);
        self.put_back(held, |page| {
            Some(if old.contains(&page) {
                Order::Before
            } else {
                Order::After
            })
        });
        Ok(())
    }

    /// Tells every board that it must forget a range.
    fn unmap_on_boards(&mut self, start: u64, end: u64) {
        for board in 1..=self.boards.len() as BoardId {
            let link = &mut self.boards[usize::from(board) - 1];
            if !link.mapped.remove(start..end).is_empty() {
                link.retries.changed();
                self.stage(board, Staged::Other(Unmap { start, end }.into()));
            }
        }
    }

    /// Pages have just lost their content at home. Everything that was to be sent before must have
    /// been: [`Pager::settle`].
    pub(super) fn discarded(&mut self, start: u64, end: u64) {
        let Some(share) = &mut self.share else {
            return;
        };
        let range = pages(start, end);
        share
            .directory
            .discard(range.start, range.end - range.start, &mut share.scratch);
        share.node.discard(range);
        for board in 1..=self.boards.len() as BoardId {
            let link = &self.boards[usize::from(board) - 1];
            if link.mapped.overlaps(start..end).next().is_some() {
                self.stage(board, Staged::Other(Discard { start, end }.into()));
            }
        }
        self.take_up_actions();
    }

    /// A thread changed mappings: what boards hold of the range is looked up again.
    pub(super) fn on_remap_call(&mut self, start: u64, end: u64) -> Result<(), PagerError> {
        let other = self.boards.iter().any(|link| link.facts.is_of_other_isa());
        if other && self.has_made_code(start..end)? {
            self.notify(ToSupervisor::MadeCode);
        }
        for board in 1..=self.boards.len() as BoardId {
            let link = &self.boards[usize::from(board) - 1];
            let pieces: Vec<_> = link
                .mapped
                .overlaps(start..end)
                .map(|(r, m)| (r, *m))
                .collect();
            for (range, mapped) in pieces {
                let piece = range.start.max(start)..range.end.min(end);
                if mapped.kind == MappedKind::Own {
                    let what = "other mappings in place of its own code and constants";
                    self.notify(ToSupervisor::Beyond(what));
                    continue;
                }
                if mapped.kind != MappedKind::Tracked {
                    // Its content comes from home whenever it is asked for again.
                    let link = &mut self.boards[usize::from(board) - 1];
                    link.mapped.remove(piece.clone());
                    link.retries.changed();
                    let (start, end) = (piece.start, piece.end);
                    self.stage(board, Staged::Other(Unmap { start, end }.into()));
                    continue;
                }
                self.protect_again(board, piece, mapped)?;
            }
        }
        Ok(())
    }

    /// Whether a range of home's memory has code that the program has made.
    fn has_made_code(&self, range: Range<u64>) -> Result<bool, PagerError> {
        let Some(share) = &self.share else {
            return Ok(false);
        };
        let mut at = range.start;
        while let Some(vma) = found(share.maps.query_or_next(at))?
            && vma.start < range.end
        {
            if is_made(&vma) {
                return Ok(true);
            }
            at = vma.end;
        }
        Ok(false)
    }

    /// The protection that a mapping of home's has on a board, which executes no code of another instruction set.
    fn prot_on(&self, board: BoardId, vma: &Vma) -> Prot {
        let link = &self.boards[usize::from(board) - 1];
        if !is_made(vma) || !link.facts.is_of_other_isa() {
            return vma.prot;
        }
        self.notify(ToSupervisor::MadeCode);
        Prot {
            x: false,
            ..vma.prot
        }
    }

    /// Gives a board the protection that home's mappings have now.
    fn protect_again(
        &mut self,
        board: BoardId,
        piece: Range<u64>,
        mapped: Mapped,
    ) -> Result<(), PagerError> {
        let Some(share) = &self.share else {
            return Ok(());
        };
        let mut at = piece.start;
        let mut changes = Vec::new();
        while at < piece.end {
            let vma = found(share.maps.query_or_next(at))?;
            let Some(vma) = vma.filter(|v| v.start < piece.end) else {
                break;
            };
            let part = vma.start.max(at)..vma.end.min(piece.end);
            if vma.kind.is_anon() && !vma.shared {
                changes.push((part.clone(), vma));
            }
            at = part.end;
        }
        for (part, vma) in changes {
            let prot = self.prot_on(board, &vma);
            if prot == mapped.prot {
                continue;
            }
            let link = &mut self.boards[usize::from(board) - 1];
            link.mapped.insert(part.clone(), Mapped { prot, ..mapped });
            link.retries.changed();
            let (start, end, prot) = (part.start, part.end, prot.bits());
            self.stage(board, Staged::Other(Protect { start, end, prot }.into()));
        }
        Ok(())
    }
}

/// Why a thread that touched `addr` must do so at home.
fn why_not(share: &Share, addr: u64) -> RecallCause {
    let Ok(maps) = read_maps(Pid::from_raw(share.pid)) else {
        return RecallCause::Fault; // the program is gone
    };
    match maps.iter().find(|vma| vma.end > addr) {
        Some(vma) if vma.start > addr && vma.kind == Kind::Stack => RecallCause::StackGrowth,
        Some(vma) if vma.start > addr || vma.prot.none() => RecallCause::Fault,
        Some(vma) if cannot_be_watched(share, vma, addr) => RecallCause::UnwatchedMemory,
        // Boards have the like; so the access was one that it does not allow.
        Some(vma) if vma.kind.is_anon() && !vma.shared && vma.prot.r => RecallCause::Fault,
        Some(vma) if vma.kind.file() == Some(&share.program) => RecallCause::Fault,
        Some(_) => RecallCause::UnwatchedMemory,
        None => RecallCause::Fault,
    }
}

/// Whether boards would have the memory at `addr`, but the kernel does not let it be watched.
fn cannot_be_watched(share: &Share, vma: &Vma, addr: u64) -> bool {
    let tracked = matches!(fate(vma, &share.program), Fate::Mapped(MappedKind::Tracked));
    tracked && !share.is_ours(vma) && share.registered.get(addr).is_none()
}

fn wire_kind(kind: MappedKind) -> MapKind {
    match kind {
        MappedKind::Tracked => MapKind::Tracked,
        MappedKind::Image => MapKind::Fixed,
        MappedKind::Vdso => MapKind::Vdso,
        MappedKind::Own => MapKind::Own,
    }
}

/// An action not yet carried out that is about a page of the range.
fn concerns<D>(action: &DirAction<D>, range: &Range<Page>) -> bool {
    match action {
        DirAction::Take { page, .. } | DirAction::Grant { page, .. } => range.contains(page),
        DirAction::Pinned { .. } | DirAction::PinDropped { .. } => false,
    }
}
