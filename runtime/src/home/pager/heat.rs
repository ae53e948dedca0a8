//! Pages that nodes take from each other again and again: a small table in which what is asked for often
//! stays and what is not is pushed out. Noting a request costs a look at one entry.

use super::run::Pager;
use crate::coherence::{NodeId, Page};
use crate::guest::ptrace::Tid;
use crate::memory::PAGE;
use crate::report::HotPage;
use crate::report::timeline::HOME;

/// Entries; a power of two.
const ENTRIES: usize = 4096;
/// Threads that are told for each page.
const THREADS: usize = 8;

/// A page that more than one node wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hot {
    /// Its number.
    page: Page,
    /// How often another node than the last one asked for it.
    switches: u64,
    /// How often it was asked for to be written.
    writes: u64,
    /// The nodes that asked, by bits.
    nodes: u64,
    /// The first threads that asked; 0: none.
    threads: [Tid; THREADS],
    last: u8,
}

impl Hot {
    /// As others are told of it; boards by these names. What lies in it is for them to find out.
    fn told(&self, boards: &[&str]) -> HotPage {
        let name = |node: &u8| match node.checked_sub(1) {
            None => HOME.to_owned(),
            Some(board) => boards[usize::from(board)].to_owned(),
        };
        let asked = |node: &u8| self.nodes & (1 << node) != 0;
        let threads = self.threads.iter().copied();
        HotPage {
            address: self.page * PAGE,
            switches: self.switches,
            writes: self.writes,
            nodes: (0..64).filter(asked).map(|node| name(&node)).collect(),
            threads: threads.filter(|tid| *tid != 0).collect(),
            ..HotPage::default()
        }
    }
}

/// The table.
pub(super) struct Heat {
    entries: Vec<Hot>,
}

impl Default for Heat {
    fn default() -> Self {
        Self {
            entries: vec![Hot::default(); ENTRIES],
        }
    }
}

impl Heat {
    /// A node asks for a page, because of this thread (0: not known).
    pub fn note(&mut self, node: NodeId, page: Page, write: bool, thread: Tid) {
        // Fibonacci hashing: neighbours go far apart.
        let hash = page.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52;
        let entry = &mut self.entries[hash as usize % ENTRIES];
        if entry.nodes == 0 || entry.page != page {
            if entry.nodes != 0 && entry.switches > 0 {
                // It goes only if the other is asked for more often.
                entry.switches -= 1;
                return;
            }
            *entry = Hot {
                page,
                last: node.0,
                ..Hot::default()
            };
        }
        entry.switches += u64::from(entry.last != node.0);
        entry.writes += u64::from(write);
        entry.last = node.0;
        entry.nodes |= 1 << node.0;
        if thread != 0
            && let Some(place) = entry.threads.iter_mut().find(|t| **t == 0 || **t == thread)
        {
            *place = thread;
        }
    }

    /// The pages that changed most often, at most `count`.
    pub fn hottest(&self, count: usize) -> Vec<Hot> {
        let wanted = |hot: &&Hot| hot.switches > 0 && hot.writes > 0;
        let mut hot: Vec<Hot> = self.entries.iter().filter(wanted).copied().collect();
        hot.sort_by_key(|hot| (std::cmp::Reverse(hot.switches), hot.page));
        hot.truncate(count);
        hot
    }
}

impl Pager {
    /// The same as others are told of them.
    pub(super) fn hottest(&self, count: usize) -> Vec<HotPage> {
        let boards: Vec<&str> = self.boards.iter().map(|b| b.facts.name.as_str()).collect();
        let hot = self.heat.hottest(count);
        hot.iter().map(|hot| hot.told(&boards)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nodes_fight_over_comes_first_with_its_threads() {
        let mut heat = Heat::default();
        for round in 0..100 {
            heat.note(NodeId(round % 2), 7, true, 100 + Tid::from(round % 2));
            heat.note(NodeId(round % 3), 9, false, 0);
            heat.note(NodeId(0), 11, true, 5);
            if round < 10 {
                heat.note(NodeId(round % 2), 13, true, 5);
            }
        }
        let hot = heat.hottest(8);
        let pages: Vec<Page> = hot.iter().map(|hot| hot.page).collect();
        assert_eq!(pages, [7, 13], "read only and by one node only is no fight");
        assert_eq!(
            (hot[0].switches, hot[0].writes, hot[0].nodes),
            (99, 100, 0b11)
        );
        assert_eq!(hot[0].threads[..3], [100, 101, 0]);
        let told = hot[0].told(&["left"]);
        assert_eq!(
            (told.address, told.switches, told.writes),
            (7 * PAGE, 99, 100)
        );
        assert_eq!(
            (told.nodes, told.threads),
            (vec!["home".to_owned(), "left".to_owned()], vec![100, 101])
        );
        assert_eq!(heat.hottest(1).len(), 1);
    }

    #[test]
    fn a_hot_page_is_not_pushed_out_by_many_cold_ones() {
        let mut heat = Heat::default();
        for round in 0..200_000u64 {
            heat.note(NodeId((round % 2) as u8), 1, true, 1);
            heat.note(NodeId(0), 1000 + round, true, 1);
        }
        assert_eq!(heat.hottest(1)[0].page, 1);
    }
}
