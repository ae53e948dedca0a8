//! Changes of the world: pins, munmap, MADV_DONTNEED, mremap, the loss of a board.

use rtx_runtime::coherence::{Leave, Lost, NodeId, Page};

use super::{Bug, Down, Object, World};

impl World {
    pub fn pin(&mut self, page: Page) {
        *self.pins_waiting.entry(page).or_default() += 1;
        let mut actions = Vec::new();
        self.directory.pin(page, &mut actions);
        self.carry_out(actions);
    }

    pub fn unpin(&mut self, page: Page) {
        *self.pins_held.get_mut(&page).expect("it is pinned") -= 1;
        let mut actions = Vec::new();
        self.directory.unpin(page, &mut actions);
        self.carry_out(actions);
    }

    /// munmap (and mapped anew).
    pub fn forget(&mut self, first: Page, count: u64) {
        let mut actions = Vec::new();
        self.directory.forget(first, count, &mut actions);
        let objects = self.fresh(count);
        self.gone(first, objects, true);
        self.carry_out(actions);
    }

    /// MADV_DONTNEED.
    pub fn discard(&mut self, first: Page, count: u64) {
        let mut actions = Vec::new();
        self.directory.discard(first, count, &mut actions);
        let objects = self.fresh(count);
        self.gone(first, objects, false);
        self.carry_out(actions);
    }

    /// mremap; what was at `from` is mapped anew.
    pub fn remap(&mut self, from: Page, to: Page, count: u64) {
        let mut actions = Vec::new();
        let mut at_home = Vec::new();
        self.directory.remap(from, to, count, &mut actions);
        self.nodes[0].table.remap(from, to, count, &mut at_home);
        let moved: Vec<Object> = (0..count).map(|i| self.object(0, from + i)).collect();
        let content: Vec<_> = (0..count)
            .map(|i| self.nodes[0].memory.get(&(from + i)).copied())
            .collect();
        let fresh = self.fresh(count);
        self.change_objects(0, from, &fresh);
        self.change_objects(0, to, &moved);
        for (page, content) in (to..).zip(content) {
            if let Some(content) = content {
                self.nodes[0].memory.insert(page, content);
            }
        }
        self.carry_out(actions);
        self.settle(0, at_home);
        for board in self.boards() {
            self.send_down(
                board,
                Down::Gone {
                    first: from,
                    objects: fresh.clone(),
                    mapping_too: true,
                },
            );
            self.send_down(
                board,
                Down::Gone {
                    first: to,
                    objects: moved.clone(),
                    mapping_too: true,
                },
            );
        }
    }

    /// A board and its threads are gone.
    pub fn lose(&mut self, board: usize) -> Lost {
        let node = &mut self.nodes[board];
        node.dead = true;
        node.down.0.clear();
        node.up.0.clear();
        self.threads.retain(|thread| thread.node != board);
        let mut actions = Vec::new();
        let lost = self.directory.node_lost(NodeId(board as u8), &mut actions);
        for page in &lost.modified {
            let objects = self.fresh(1);
            self.gone(*page, objects, false);
        }
        self.carry_out(actions);
        lost
    }

    /// A board that is to leave does a step. True: nothing would be lost with it.
    pub fn leave(&mut self, leave: &mut Leave) -> bool {
        let mut actions = Vec::new();
        let home = self.directory.leave(leave, &mut actions);
        self.carry_out(actions);
        home
    }

    fn fresh(&mut self, count: u64) -> Vec<Object> {
        self.next_object += count;
        (self.next_object - count..self.next_object).collect()
    }

    fn gone(&mut self, first: Page, objects: Vec<Object>, mapping_too: bool) {
        let count = objects.len() as u64;
        let mut at_home = Vec::new();
        let table = &mut self.nodes[0].table;
        match mapping_too {
            true => table.remove(first, count, &mut at_home),
            false => table.discard(first, count, &mut at_home),
        }
        self.change_objects(0, first, &objects);
        for board in self.boards() {
            if mapping_too || self.bug != Some(Bug::DiscardNotSent) {
                self.send_down(
                    board,
                    Down::Gone {
                        first,
                        objects: objects.clone(),
                        mapping_too,
                    },
                );
            }
        }
        self.settle(0, at_home);
    }

    /// The node's pages from `first` are empty, and these objects from now on.
    pub fn change_objects(&mut self, node: usize, first: Page, objects: &[Object]) {
        for (page, object) in (first..).zip(objects) {
            self.nodes[node].memory.remove(&page);
            self.nodes[node].objects.insert(page, *object);
        }
    }
}
