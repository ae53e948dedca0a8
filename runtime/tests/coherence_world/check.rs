//! What must be true of the world: at every moment, and when nothing moves any more.

use std::collections::BTreeMap;

use rtx_runtime::coherence::{Holding, NodeId, Page, PageState};

use super::{Object, World};

impl World {
    /// A single writer or many readers of each object, and every readable copy is the latest. Pinned pages are home's.
    pub fn check(&self, pages: &[Page]) -> Result<(), String> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let mut holders: BTreeMap<Object, Vec<(usize, PageState)>> = BTreeMap::new();
        for (id, node) in self.nodes.iter().enumerate().filter(|(_, node)| !node.dead) {
            for &page in pages {
                let state = node.table.state(page);
                if state == PageState::Invalid {
                    continue;
                }
                let object = self.object(id, page);
                holders.entry(object).or_default().push((id, state));
                let seen = node.memory.get(&page).copied();
                let latest = self.latest.get(&object).copied().unwrap_or(0);
                if seen.or((id == 0).then_some(0)) != Some(latest) {
                    return Err(format!(
                        "node {id} page {page}: holds {seen:?}, the latest write is {latest}"
                    ));
                }
            }
        }
        for (object, held) in &holders {
            let writers = held
                .iter()
                .filter(|(_, state)| *state == PageState::Modified)
                .count();
            if writers > 0 && held.len() > 1 {
                return Err(format!(
                    "object {object:#x}: a writer is not alone: {held:?}"
                ));
            }
        }
        for (page, count) in &self.pins_held {
            if *count > 0 && self.nodes[0].table.state(*page) != PageState::Modified {
                return Err(format!("page {page} is pinned but home cannot write it"));
            }
        }
        Ok(())
    }

    /// No message is under way, no take waits: only threads can move.
    pub fn is_quiet(&self) -> bool {
        let silent = |n: &super::Node| {
            n.down.0.is_empty() && n.up.0.is_empty() && n.table.next_due().is_none()
        };
        self.nodes.iter().filter(|n| !n.dead).all(silent)
    }

    /// In a quiet world without pins nobody waits, and the directory and the tables agree.
    pub fn check_quiet(&self, pages: &[Page]) -> Result<(), String> {
        if !self.is_quiet() || self.pins_held.values().any(|pins| *pins > 0) {
            return Ok(());
        }
        if let Some(thread) = self.threads.iter().find(|thread| thread.waits.is_some()) {
            return Err(format!(
                "all is quiet, but a thread waits for ever: {thread:?}"
            ));
        }
        if self.pins_waiting.values().any(|pins| *pins > 0) {
            return Err(format!(
                "all is quiet, but pins are not complete: {:?}",
                self.pins_waiting
            ));
        }
        if let Some(page) = self.directory.busy_pages().next() {
            return Err(format!("all is quiet, but page {page} is busy"));
        }
        for &page in pages {
            for (id, node) in self.nodes.iter().enumerate().filter(|(_, node)| !node.dead) {
                let expected = match self.directory.state(page) {
                    Holding::Modified(owner) if usize::from(owner.0) == id => PageState::Modified,
                    Holding::Shared(set) if set.has(NodeId(id as u8)) => PageState::Shared,
                    _ => PageState::Invalid,
                };
                if node.table.state(page) != expected {
                    let has = node.table.state(page);
                    return Err(format!(
                        "node {id} page {page} is {has:?}, the directory says {expected:?}"
                    ));
                }
                if node.table.outstanding(page).is_some() {
                    return Err(format!(
                        "node {id} page {page}: a request is outstanding for ever"
                    ));
                }
            }
        }
        Ok(())
    }
}
