//! The threads of a node that are asked to leave at their next equivalence point, and what is written
//! into the program for that (docs/continuations.md, "Asking a thread to leave").

use std::collections::BTreeMap;

/// Threads that can be asked at a time.
const MOST: usize = 256;

/// Who is asked, by the address of struct pthread. Those beyond what the table holds wait until others
/// have left.
#[derive(Debug, Default)]
pub struct Requests<T> {
    asked: BTreeMap<u64, T>,
}

impl<T: Copy + PartialEq> Requests<T> {
    /// Asks a thread: `who` it is, and the address of its struct pthread. Whether the program must be told.
    pub fn ask(&mut self, who: T, pthread: u64) -> bool {
        self.asked.insert(pthread, who) != Some(who)
    }

    /// A thread has left, or need not leave any more. Whether the program must be told.
    pub fn forget(&mut self, who: T) -> bool {
        let before = self.asked.len();
        self.asked.retain(|_, asked| *asked != who);
        before != self.asked.len()
    }

    /// Whether nobody is asked.
    pub fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    /// Who is asked.
    pub fn asked(&self) -> impl Iterator<Item = T> + '_ {
        self.asked.values().copied()
    }

    /// The table in the program's memory.
    pub fn table(&self) -> Vec<u8> {
        let count = self.asked.len().min(MOST) as u64;
        // The first half word says whether all threads are asked: never.
        let words = std::iter::once(count << 32).chain(self.asked.keys().copied().take(MOST));
        words.flat_map(u64::to_le_bytes).collect()
    }

    /// The polled word.
    pub fn indicator(&self) -> [u8; 4] {
        u32::from(!self.is_empty()).to_le_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_as_the_page_on_continuations_says() {
        let mut requests = Requests::default();
        assert_eq!(
            (requests.table(), requests.indicator()),
            (vec![0; 8], [0; 4])
        );
        assert!(requests.ask(7, 0x1000) && !requests.ask(7, 0x1000));
        let mut expected = vec![0, 0, 0, 0, 1, 0, 0, 0];
        expected.extend(0x1000u64.to_le_bytes());
        assert_eq!(
            (requests.table(), requests.indicator()),
            (expected, [1, 0, 0, 0])
        );
        assert!(requests.forget(7) && !requests.forget(7));
        assert!(requests.is_empty());
    }

    #[test]
    fn more_than_fit_take_turns() {
        let mut requests = Requests::default();
        for thread in 0..300u64 {
            requests.ask(thread, 0x1000 * (thread + 1));
        }
        assert_eq!(requests.table().len(), 8 + 8 * MOST);
        requests.forget(0);
        let last = requests.table()[8 * MOST..].to_vec();
        assert_eq!(last, (0x1000 * 257u64).to_le_bytes());
    }
}
