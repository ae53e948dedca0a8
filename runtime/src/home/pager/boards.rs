//! What boards say, and what becomes of it.

use std::collections::HashMap;

use bytes::Bytes;

use super::run::Pager;
use super::{MappedKind, PagerError, Staged};
use crate::coherence::directory::MAX_WINDOW;
use crate::coherence::{Access, NodeId, PAGE_SIZE, Page, Taken};
use crate::guest::arch::Registers;
use crate::guest::ptrace::Tid;
use crate::home::messages::{Begin, BoardId, Context, Foreign, Held, ToSupervisor, Used, Why};
use crate::node::{Content, LocalError};
use crate::report::RecallCause;
use crate::trace::Snapshot;
use crate::wire::frame::Frame;
use crate::wire::message::{
    Context as WireContext, Message, PendingCall, Prepare, Resume, Start, Taken as WireTaken,
    Unmap, Why as WireWhy,
};

const SIZE: u64 = PAGE_SIZE as u64;
/// Pages of code sent along with a thread, from its program counter on.
const CODE_AHEAD: u32 = 4;

/// Tells a fault that a new mapping cures from one that is the program's own: a thread that faults
/// at the same address again, although no mapping of its board changed since it was told to try
/// again, really may not touch it.
#[derive(Default)]
pub(super) struct Retries {
    generation: u64,
    last: HashMap<Tid, (u64, u64)>,
}

impl Retries {
    /// A mapping of the board changed.
    pub fn changed(&mut self) {
        self.generation += 1;
    }

    /// Whether `thread` may try `addr` again.
    pub fn allow(&mut self, thread: Tid, addr: u64) -> bool {
        let now = (addr, self.generation);
        self.last.insert(thread, now) != Some(now)
    }

    /// A thread left the board.
    pub fn gone(&mut self, thread: Tid) {
        self.last.remove(&thread);
    }
}

impl Pager {
    /// One message of a board.
    pub(super) fn on_board(&mut self, board: BoardId, frame: Frame) -> Result<(), PagerError> {
        match frame.message {
            Message::Request(r) => {
                // Not what is asked for ahead of threads.
                if r.thread != 0 {
                    self.traffic.fault(board, r.page);
                }
                self.heat
                    .note(NodeId(board), r.page, r.write, r.thread as Tid);
                self.on_request(board, r.page, r.write, r.window)
            }
            Message::Taken(taken) => self.on_taken(board, &taken, frame.pages),
            Message::MapRequest(r) => self.on_map_request(board, r.thread as Tid, r.addr),
            Message::Call(call) => {
                let args = call.arguments();
                self.notify(ToSupervisor::Call {
                    tid: call.thread as Tid,
                    seq: call.seq,
                    nr: call.nr,
                    args,
                    sp: call.sp,
                });
                Ok(())
            }
            Message::Context(context) => {
                self.traffic.leaves(board, context.thread as Tid);
                self.on_context(board, *context)
            }
            Message::Started(started) => {
                self.notify(ToSupervisor::Started {
                    tid: started.thread as Tid,
                });
                Ok(())
            }
            Message::Usage(usage) => {
                let used = usage.threads.iter().map(|t| Used {
                    tid: t.thread as Tid,
                    cpu_ns: t.cpu_ns,
                    delay_ns: t.delay_ns,
                    faults: t.faults,
                });
                self.notify(ToSupervisor::Usage {
                    board,
                    token: usage.token,
                    used: used.collect(),
                });
                Ok(())
            }
            Message::FaultTimes(times) => {
                for ns in times.ns {
                    self.faults.record_ns(ns);
                    self.boards[usize::from(board) - 1].faults_lately.add(ns);
                }
                Ok(())
            }
            Message::State(state) => {
                let who = format!("board {board}");
                self.notify(ToSupervisor::State {
                    who,
                    complaint: state.complaint,
                    text: state.text,
                });
                Ok(())
            }
            Message::Trace(trace) => {
                self.notify(ToSupervisor::Looked {
                    board,
                    tid: trace.thread as Tid,
                    snapshot: Snapshot {
                        registers: trace.regs.into(),
                        sp: trace.sp,
                        stack: trace.stack.into(),
                    },
                });
                Ok(())
            }
            Message::BarrierMade(made) => self.on_barrier(board, Some(made.token)),
            Message::Failed(failed) => {
                self.lose(board, &failed.message);
                Ok(())
            }
            other => {
                self.lose(
                    board,
                    &format!("it sent a {} message, which only home sends", other.name()),
                );
                Ok(())
            }
        }
    }

    /// A thread leaves a board.
    fn on_context(&mut self, board: BoardId, context: WireContext) -> Result<(), PagerError> {
        let tid = context.thread as Tid;
        let link = &mut self.boards[usize::from(board) - 1];
        link.retries.gone(tid);
        link.cpu_ns += context.cpu_ns;
        let why = match context.why() {
            WireWhy::Recalled => Why::Recalled,
            WireWhy::Call => Why::Call,
            WireWhy::Parked => Why::Parked(context.made.as_ref().map_or(0, |m| m.arguments()[0])),
            WireWhy::Fault => Why::Fault(context.signal),
        };
        let refused = link.refused.remove(&tid);
        let cause = match why {
            Why::Recalled | Why::Parked(_) => None,
            Why::Call => Some(RecallCause::NativeCall),
            Why::Fault(_) => Some(refused.unwrap_or(RecallCause::Fault)),
        };
        let state = if link.facts.foreign {
            Held::Theirs(Foreign {
                registers: context.regs,
                extended: context.extended,
                sp: context.sp,
                made: context.made.map(|made| (made.nr, made.arguments())),
                fault: (context.code, context.address),
            })
        } else if let Some(registers) = Registers::from_bytes(&context.regs) {
            Held::Ours {
                registers: Box::new(registers),
                extended: context.extended.to_vec(),
            }
        } else {
            self.lose(board, "it sent registers of another kind");
            return Ok(());
        };
        let context = Context {
            why,
            state,
            call: context.call.map(|c| c.seq),
            cpu_ns: context.cpu_ns,
            faults: context.faults,
            calls: context.calls.iter().map(|c| (c.nr, c.count)).collect(),
            cause,
        };
        self.notify(ToSupervisor::Context {
            tid,
            context: Box::new(context),
        });
        Ok(())
    }

    /// A board asks for a page.
    pub(super) fn on_request(
        &mut self,
        board: BoardId,
        page: Page,
        write: bool,
        window: u32,
    ) -> Result<(), PagerError> {
        let link = &self.boards[usize::from(board) - 1];
        // A range that was unmapped meanwhile: the board has been told, which wakes its threads.
        let Some((range, mapped)) = link.mapped.get_range(page * SIZE) else {
            return Ok(());
        };
        let most = u64::from(window.min(MAX_WINDOW));
        let (mapped, left) = (*mapped, (range.end / SIZE - page).min(most) as u32);
        match mapped.kind {
            MappedKind::Image | MappedKind::Vdso => self.send_image(board, page, left, mapped.kind),
            MappedKind::Own => {
                self.send_own(board, page, left);
                Ok(())
            }
            MappedKind::Tracked => {
                let Some(share) = &mut self.share else {
                    return Ok(());
                };
                if share.postpone(board, page, write, window) {
                    return Ok(());
                }
                let window = share.clip(page, left).unwrap_or(1);
                let access = if write { Access::Write } else { Access::Read };
                share
                    .directory
                    .request(NodeId(board), page, access, window, &mut share.scratch);
                share.actions.extend(share.scratch.drain(..));
                Ok(())
            }
        }
    }

    /// Sends pages that nobody writes, straight from home's mapping.
    fn send_image(
        &mut self,
        board: BoardId,
        page: Page,
        count: u32,
        kind: MappedKind,
    ) -> Result<(), PagerError> {
        let Some(share) = &self.share else {
            return Ok(());
        };
        let mut contents = Vec::new();
        if kind == MappedKind::Vdso {
            let image = share.vdso.as_ref();
            contents.extend((0..u64::from(count)).map_while(|i| image?.page((page + i) * SIZE)));
        } else {
            let mut want = count as usize;
            while want > 0 {
                match share.node.memory.read(&[(page * SIZE, want * PAGE_SIZE)]) {
                    Ok(bytes) => {
                        contents.extend(
                            (0..want).map(|i| {
                                Content::of(bytes.slice(i * PAGE_SIZE..(i + 1) * PAGE_SIZE))
                            }),
                        );
                        break;
                    }
                    // Beyond the end of the file, perhaps: fewer.
                    Err(LocalError::Unmapped(_)) => want /= 2,
                    Err(e) => return Err(e.into()),
                }
            }
        }
        if contents.is_empty() {
            // Not readable at home: touching it there gives the program the signal it deserves.
            let (start, end) = (page * SIZE, (page + 1) * SIZE);
            let link = &mut self.boards[usize::from(board) - 1];
            link.mapped.remove(start..end);
            link.retries.changed();
            self.stage(board, Staged::Other(Unmap { start, end }.into()));
        }
        for (i, data) in contents.into_iter().enumerate() {
            let grant = Staged::Grant {
                page: page + i as u64,
                write: false,
                data: Some(data),
                prefetched: i > 0,
                contended: false,
            };
            self.stage(board, grant);
        }
        Ok(())
    }

    fn on_taken(
        &mut self,
        board: BoardId,
        message: &WireTaken,
        pages: Bytes,
    ) -> Result<(), PagerError> {
        let Some(share) = &mut self.share else {
            return Ok(());
        };
        let mut violation = None;
        for (item, page) in message.contents(pages) {
            let taken = Taken {
                data: Content::from_wire(page),
                refused: item.refused,
                deferred: message.deferred,
            };
            self.traffic.count(taken.data.as_ref());
            if let Err(v) =
                share
                    .directory
                    .taken(NodeId(board), item.tag, taken, &mut share.scratch)
            {
                violation = Some(v);
                break;
            }
        }
        share.actions.extend(share.scratch.drain(..));
        if let Some(violation) = violation {
            self.lose(board, &format!("it broke the protocol: {violation:?}"));
        }
        Ok(())
    }

    /// A thread goes to a board: what it will touch first goes ahead of it.
    pub(super) fn start_thread(
        &mut self,
        board: BoardId,
        tid: Tid,
        begin: Begin,
        call: Option<PendingCall>,
    ) -> Result<(), PagerError> {
        let Some(share) = &mut self.share else {
            return Ok(());
        };
        share.node.thread_rests(tid as u32);
        self.traffic.arrives(board, tid);
        let link = &self.boards[usize::from(board) - 1];
        if !link.alive {
            self.notify(ToSupervisor::BoardLost {
                board,
                reason: link.lost.clone().unwrap_or_default(),
                pages: 0,
            });
            return Ok(());
        }
        if !link.prepared {
            let stub = share.node.memory.stub;
            self.boards[usize::from(board) - 1].prepared = true;
            self.stage(
                board,
                Staged::Other(
                    Prepare {
                        stub_address: stub.0,
                        stuck_after_ms: self.patience.limit_ms(),
                        points: self.points(board),
                    }
                    .into(),
                ),
            );
            self.send_own_data(board);
        }
        let (code, data) = self.begins_with(board, &begin);
        let code = code.map(|addr| (addr, false, CODE_AHEAD));
        for (addr, write, window) in code.into_iter().chain([(data, true, 1)]) {
            let page = addr / SIZE;
            if self.map_for(board, addr, None)? == Some(true)
                && (write || !self.has_gone_ahead(board, page))
            {
                self.on_request(board, page, write, window)?;
            }
        }
        self.settle()?;
        let mut start = Start {
            thread: tid as u32,
            pending_call: call,
            ..Start::default()
        };
        match begin {
            Begin::Here {
                registers,
                extended,
            } => {
                start.regs = registers.to_bytes().into();
                start.extended = extended.into();
            }
            Begin::AtPoint {
                thread_pointer,
                header,
            } => {
                start.resume = Some(Resume {
                    pc: self.resume_at(board).unwrap_or_default(),
                    thread_pointer,
                    argument: header,
                })
            }
            Begin::Again { state, amend } => {
                start.regs = state.registers;
                start.extended = state.extended;
                start.amend = Some(amend);
            }
        }
        self.stage(board, Staged::Other(start.into()));
        Ok(())
    }

    /// The code, if known, and the data that a thread touches first.
    fn begins_with(&self, board: BoardId, begin: &Begin) -> (Option<u64>, u64) {
        match begin {
            Begin::Here { registers, .. } => (Some(registers.pc()), registers.sp()),
            Begin::AtPoint { header, .. } => (self.resume_at(board), *header),
            Begin::Again { state, .. } => (None, state.sp),
        }
    }

    /// Whether code that nobody writes has gone to a board from this page on; from now on it has.
    fn has_gone_ahead(&mut self, board: BoardId, page: Page) -> bool {
        let link = &mut self.boards[usize::from(board) - 1];
        let kind = link.mapped.get_range(page * SIZE).map(|(_, m)| m.kind);
        kind != Some(MappedKind::Tracked) && !link.code_sent.insert(page)
    }

    /// A board cannot be used any more.
    pub(super) fn lose(&mut self, board: BoardId, reason: &str) {
        let link = &mut self.boards[usize::from(board) - 1];
        if !link.alive {
            return;
        }
        self.traffic.gone(board);
        link.alive = false;
        link.lost = Some(reason.to_owned());
        link.staged.clear();
        let mut pages = 0;
        if let Some(share) = &mut self.share {
            pages = share
                .directory
                .node_lost(NodeId(board), &mut share.scratch)
                .modified
                .len();
            share.actions.extend(share.scratch.drain(..));
        }
        self.doomed |= pages > 0;
        self.notify(ToSupervisor::BoardLost {
            board,
            reason: reason.to_owned(),
            pages,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::Retries;

    #[test]
    fn a_second_fault_without_a_change_is_the_programs_own() {
        let mut retries = Retries::default();
        assert!(retries.allow(7, 0x1000));
        assert!(!retries.allow(7, 0x1000));
        retries.changed();
        assert!(retries.allow(7, 0x1000));
        assert!(retries.allow(8, 0x1000) && retries.allow(7, 0x2000));
    }
}
