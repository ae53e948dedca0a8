//! What home says, carried out on the replica.

use super::messages::ToTracer;
use super::session::{SIZE, Session, SessionEnd};
use crate::calls::Barrier;
use crate::coherence::{Access, TakeMode};
use crate::guest::ptrace::Tid;
use crate::memory::helper::Call;
use crate::node::{Content, LocalError};
use crate::wire::frame::Frame;
use crate::wire::message::{BarrierMade, Grant, Message, TakeItem, TakeMode as WireMode};

impl Session {
    /// One message from home, once the replica is ready.
    pub(super) fn on_home(&mut self, frame: Frame) -> Result<(), SessionEnd> {
        match frame.message {
            Message::Grant(ref grant) => self.on_grant(grant, &frame),
            Message::Take(take) => {
                for item in take.items {
                    self.on_take(item);
                }
                Ok(())
            }
            Message::Map(map) => self.map(map.start, map.end, map.prot),
            Message::Protect(p) => self.protect(p.start, p.end, p.prot),
            Message::Unmap(span) => self.unmap(span.start, span.end),
            Message::Discard(span) => self.discard(span.start, span.end),
            Message::Mapped(answer) => {
                self.retry(answer.thread as Tid);
                Ok(())
            }
            Message::NoMap(answer) => {
                self.tracer.send(ToTracer::Stop {
                    thread: answer.thread as Tid,
                });
                Ok(())
            }
            Message::Start(start) => self.begin(&start),
            Message::Recall(recall) if recall.at_point => {
                self.recall_at_point(recall.thread as Tid)
            }
            Message::Recall(recall) => self.recall(recall.thread as Tid),
            Message::AskUsage(ask) => {
                self.tracer.send(ToTracer::Usage { token: ask.token });
                Ok(())
            }
            Message::Barrier(ask) => {
                let what = if ask.code {
                    Barrier::Code
                } else {
                    Barrier::Memory
                };
                let calls = what
                    .commands()
                    .map(|c| Call::new(libc::SYS_membarrier, &[c]));
                self.calls("make a barrier for", &calls)?;
                self.say(BarrierMade { token: ask.token }.into());
                Ok(())
            }
            Message::CallReply(reply) => {
                self.on_reply(reply.thread as Tid, reply.seq, reply.result)
            }
            other => Err(SessionEnd::Here(format!(
                "home sent a {} message, which only boards send",
                other.name()
            ))),
        }
    }

    fn on_grant(&mut self, grant: &Grant, frame: &Frame) -> Result<(), SessionEnd> {
        let access = if grant.write {
            Access::Write
        } else {
            Access::Read
        };
        for (page, content) in grant.contents(frame.pages.clone()) {
            self.fault_served(page);
            // Home grants only what it has mapped here before.
            let Some(equipped) = &mut self.equipped else {
                return Ok(());
            };
            let content = Content::from_wire(content);
            equipped
                .node
                .granted(page, access, content, grant.prefetched, grant.contended);
        }
        Ok(())
    }

    fn on_take(&mut self, item: TakeItem) {
        let mode = match item.mode() {
            WireMode::Share => TakeMode::Share,
            WireMode::Give => TakeMode::Give,
            WireMode::Drop => TakeMode::Drop,
        };
        if let Some(equipped) = &mut self.equipped {
            equipped.node.take(item.page, item.tag, mode, item.optional);
        }
    }

    /// Runs calls in the replica, all of which must succeed.
    fn calls(&mut self, what: &str, calls: &[Call]) -> Result<(), SessionEnd> {
        let Some(equipped) = &mut self.equipped else {
            return Ok(());
        };
        for chunk in calls.chunks(crate::memory::helper::BATCH) {
            let results = equipped
                .node
                .memory
                .helper
                .batch(chunk)
                .map_err(LocalError::from)?;
            if let Some(error) = results.iter().find(|r| (-4095..0).contains(*r)) {
                let error = std::io::Error::from_raw_os_error(-*error as i32);
                return Err(SessionEnd::Here(format!(
                    "cannot {what} the replica's memory: {error}"
                )));
            }
        }
        Ok(())
    }

    /// Gives the replica a mapping; what is there already keeps its pages.
    fn map(&mut self, start: u64, end: u64, prot: u32) -> Result<(), SessionEnd> {
        let flags = libc::MAP_PRIVATE
            | libc::MAP_ANONYMOUS
            | libc::MAP_FIXED_NOREPLACE
            | libc::MAP_NORESERVE;
        let gaps = self.mapped.gaps(start..end);
        let calls: Vec<Call> = gaps
            .iter()
            .map(|gap| {
                // Nobody may touch it before it is watched: the kernel would fill it with zeros.
                let none = libc::PROT_NONE as u64;
                let args = [
                    gap.start,
                    gap.end - gap.start,
                    none,
                    flags as u64,
                    u64::MAX,
                    0,
                ];
                Call::new(libc::SYS_mmap, &args)
            })
            .collect();
        self.calls("map", &calls)?;
        let fresh: Vec<_> = gaps.iter().map(|g| (g.start, g.end - g.start)).collect();
        for gap in gaps {
            let Some(equipped) = &self.equipped else {
                return Ok(());
            };
            equipped
                .node
                .memory
                .uffd
                .register(gap.start, gap.end - gap.start)
                .map_err(LocalError::from)?;
            self.mapped.insert(gap, libc::PROT_NONE as u32);
        }
        // A debugger's access minds no protection (ptrace(2), /proc/PID/mem; ours looks for system call
        // instructions so): what one filled before the range was watched goes again. Now they fail there.
        if let Some(equipped) = &mut self.equipped {
            let helper = &mut equipped.node.memory.helper;
            helper.drop_pages(&fresh).map_err(LocalError::from)?;
        }
        self.protect(start, end, prot)
    }

    fn protect(&mut self, start: u64, end: u64, prot: u32) -> Result<(), SessionEnd> {
        let pieces: Vec<_> = self
            .mapped
            .overlaps(start..end)
            .filter(|(_, p)| **p != prot)
            .map(|(r, _)| r.start.max(start)..r.end.min(end))
            .collect();
        let calls: Vec<Call> = pieces
            .iter()
            .map(|r| Call::new(libc::SYS_mprotect, &[r.start, r.end - r.start, prot.into()]))
            .collect();
        self.calls("protect", &calls)?;
        for piece in pieces {
            self.mapped.insert(piece, prot);
        }
        Ok(())
    }

    fn unmap(&mut self, start: u64, end: u64) -> Result<(), SessionEnd> {
        // What is owed of these pages is read before they go.
        if let Some(equipped) = &mut self.equipped {
            equipped.node.remove(start / SIZE..end / SIZE);
        }
        self.settle()?;
        let removed = self.mapped.remove(start..end);
        let calls: Vec<Call> = removed
            .iter()
            .map(|(r, _)| Call::new(libc::SYS_munmap, &[r.start, r.end - r.start]))
            .collect();
        self.calls("unmap", &calls)?;
        // Who came to wait in the last moment would wait for ever.
        if let Some(equipped) = &self.equipped {
            let memory = &equipped.node.memory;
            for (range, _) in removed {
                memory.wake(range.start / SIZE..range.end / SIZE)?;
            }
        }
        Ok(())
    }

    fn discard(&mut self, start: u64, end: u64) -> Result<(), SessionEnd> {
        if let Some(equipped) = &mut self.equipped {
            equipped.node.discard(start / SIZE..end / SIZE);
        }
        self.settle()?;
        let ranges: Vec<(u64, u64)> = self
            .mapped
            .overlaps(start..end)
            .map(|(r, _)| (r.start.max(start), r.end.min(end) - r.start.max(start)))
            .collect();
        if let Some(equipped) = &mut self.equipped {
            equipped
                .node
                .memory
                .helper
                .drop_pages(&ranges)
                .map_err(LocalError::from)?;
        }
        Ok(())
    }
}
