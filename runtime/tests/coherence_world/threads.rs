//! Threads of the world: each runs one instruction at a time, which needs all its pages at once.

use rtx_runtime::coherence::{Access, Page};

use super::World;

/// An instruction: the pages it touches, in order.
pub type Op = Vec<(Page, Access)>;

#[derive(Clone, PartialEq, Hash, Debug)]
pub struct Thread {
    pub node: usize,
    /// The instruction it is at.
    pub op: Option<Op>,
    /// The page it waits for.
    pub waits: Option<Page>,
    /// Instructions it may still begin.
    pub left: u32,
    /// When it runs next (simulator).
    pub at: u64,
}

impl Thread {
    pub fn new(node: usize, left: u32) -> Self {
        Thread {
            node,
            op: None,
            waits: None,
            left,
            at: 0,
        }
    }

    /// Whether it can run (its instruction, or begin one).
    pub fn runnable(&self) -> bool {
        self.waits.is_none() && (self.op.is_some() || self.left > 0)
    }

    pub fn done(&self) -> bool {
        self.op.is_none() && self.left == 0
    }
}

impl World {
    /// `thread` waits for something that is not a page, between two instructions.
    pub fn rests(&mut self, thread: usize) {
        let node = self.threads[thread].node;
        let mut actions = Vec::new();
        let table = &mut self.nodes[node].table;
        table.thread_rests(self.now, thread as u32, &mut actions);
        self.settle(node, actions);
    }

    /// `thread` tries its instruction: it happens, or it faults on its first page that is not there.
    pub fn attempt(&mut self, thread: usize) {
        let Thread { node, ref op, .. } = self.threads[thread];
        let op = op.clone().expect("at an instruction");
        let mut actions = Vec::new();
        for &(page, access) in &op {
            let table = &mut self.nodes[node].table;
            if !table.state(page).allows(access) {
                table.fault(self.now, page, access, thread as u32, &mut actions);
                self.threads[thread].waits = Some(page);
                return self.settle(node, actions);
            }
        }
        self.threads[thread].op = None;
        for (page, access) in op {
            let object = self.object(node, page);
            let seen = self.content(node, page);
            let latest = self.latest.get(&object).copied().unwrap_or(0);
            if seen != latest {
                let text =
                    format!("node {node} sees write {seen} of page {page}, the latest is {latest}");
                self.fault.get_or_insert(text);
            }
            if access == Access::Write {
                self.nodes[node].memory.insert(page, latest + 1);
                self.latest.insert(object, latest + 1);
            }
        }
    }

    pub fn wake(&mut self, node: usize, page: Page) {
        for thread in &mut self.threads {
            if thread.node == node && thread.waits == Some(page) {
                thread.waits = None;
            }
        }
    }
}
