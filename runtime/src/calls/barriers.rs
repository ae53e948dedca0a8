//! membarrier(2): a barrier on every processor on which the program runs, boards' processors included.

/// What is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// Accesses to memory.
    Memory,
    /// And instructions: code that was changed is seen (MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE).
    Code,
}

/// MEMBARRIER_CMD_GLOBAL, GLOBAL_EXPEDITED, PRIVATE_EXPEDITED and PRIVATE_EXPEDITED_RSEQ
/// (linux/membarrier.h).
const MEMORY: [i32; 4] = [1, 1 << 1, 1 << 3, 1 << 7];
/// MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE.
const CODE: i32 = 1 << 5;
/// The commands that are barriers; the others ask, or register.
pub const BARRIERS: [i32; 5] = [MEMORY[0], MEMORY[1], MEMORY[2], MEMORY[3], CODE];

/// The barrier that a call is.
pub fn barrier(nr: i64, args: &[u64; 6]) -> Option<Barrier> {
    match args[0] as i32 {
        _ if nr != libc::SYS_membarrier => None,
        CODE => Some(Barrier::Code),
        command => MEMORY.contains(&command).then_some(Barrier::Memory),
    }
}

impl Barrier {
    /// The commands by which a process registers for such a barrier among its own threads, and makes one.
    pub fn commands(self) -> [u64; 2] {
        match self {
            Barrier::Memory => [1 << 4, 1 << 3],
            Barrier::Code => [1 << 6, 1 << 5],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registering_and_asking_are_no_barriers() {
        let of = |command: u64| barrier(libc::SYS_membarrier, &[command, 0, 0, 0, 0, 0]);
        for command in [0, 1 << 2, 1 << 4, 1 << 6, 1 << 8, 1 << 30, 3] {
            assert_eq!(of(command), None, "{command}");
        }
        assert_eq!(of(1), Some(Barrier::Memory));
        assert_eq!(of(1 << 3), Some(Barrier::Memory));
        assert_eq!(of(1 << 5), Some(Barrier::Code));
        assert!(BARRIERS.iter().all(|command| of(*command as u64).is_some()));
        assert_eq!(barrier(libc::SYS_read, &[1, 0, 0, 0, 0, 0]), None);
    }
}
