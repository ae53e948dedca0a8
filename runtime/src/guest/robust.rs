//! The words the kernel writes when a thread ends holding robust mutexes (get_robust_list(2),
//! kernel/futex/core.c exit_robust_list). They lie in the program's memory, so the walk goes in
//! steps: it names the addresses it must be able to read or that the kernel will write, and goes on
//! once their pages are home.

use super::ptrace::Tid;

/// Entries the kernel walks at most (ROBUST_LIST_LIMIT).
const LIMIT: u32 = 2048;

/// A walk over one thread's list.
#[derive(Debug)]
pub struct Walk {
    head: u64,
    state: State,
    left: u32,
}

#[derive(Debug)]
enum State {
    Head,
    Entry { at: u64, offset: i64 },
    Done,
}

impl Walk {
    /// Begins the walk of `tid`'s list; `None` if it registered none.
    pub fn begin(tid: Tid) -> Option<Walk> {
        let (mut head, mut len) = (0u64, 0usize);
        // SAFETY: get_robust_list writes one pointer and one size to live locals.
        let answer =
            unsafe { libc::syscall(libc::SYS_get_robust_list, tid, &raw mut head, &raw mut len) };
        (answer == 0 && head != 0).then_some(Walk {
            head,
            state: State::Head,
            left: LIMIT,
        })
    }

    /// Addresses whose pages must be home before [`Walk::advance`].
    pub fn needs(&self) -> Vec<u64> {
        match self.state {
            State::Head => vec![self.head, self.head + 23],
            State::Entry { at, offset } => {
                let word = (at & !1).wrapping_add_signed(offset);
                vec![at & !1, (at & !1) + 7, word, word + 3]
            }
            State::Done => Vec::new(),
        }
    }

    /// Goes one step on; `read` reads a 64-bit word of the thread's memory.
    pub fn advance(&mut self, read: impl Fn(u64) -> Option<u64>) {
        self.state = match self.state {
            State::Head => match (read(self.head), read(self.head + 8)) {
                (Some(first), Some(offset)) => self.next(first, offset as i64),
                _ => State::Done,
            },
            State::Entry { at, offset } => match read(at & !1) {
                Some(next) => self.next(next, offset),
                None => State::Done,
            },
            State::Done => State::Done,
        };
    }

    fn next(&mut self, at: u64, offset: i64) -> State {
        self.left = self.left.saturating_sub(1);
        if at & !1 == self.head || at == 0 || self.left == 0 {
            State::Done
        } else {
            State::Entry { at, offset }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn walks_a_list_of_two_and_names_each_mutex_word() {
        let memory = BTreeMap::from([
            (0x100, 0x2000),
            (0x108, -32i64 as u64),
            (0x2000, 0x3001),
            (0x3000, 0x100),
        ]);
        let mut walk = Walk {
            head: 0x100,
            state: State::Head,
            left: LIMIT,
        };
        let mut needed = Vec::new();
        while !walk.needs().is_empty() {
            needed.extend(walk.needs());
            walk.advance(|a| memory.get(&a).copied());
        }
        assert!(needed.contains(&(0x2000 - 32)) && needed.contains(&(0x3000 - 32)));
    }

    #[test]
    fn an_endless_list_ends() {
        let mut walk = Walk {
            head: 0x100,
            state: State::Head,
            left: LIMIT,
        };
        let mut steps = 0;
        while !walk.needs().is_empty() {
            walk.advance(|a| Some(if a == 0x108 { 0 } else { 0x2000 }));
            steps += 1;
        }
        assert!(steps <= LIMIT);
    }
}
