//! The seccomp filters of a replica, as classic BPF programs (seccomp(2)).
//!
//! Threads that run the guest's code may make no system call by themselves: each is reported to the
//! agent. The helper makes calls that the agent asks for, but the guest can write to the memory in
//! which they are asked for; so it may make only calls that do no harm outside of the replica.

/// One instruction: code, jump if true, jump if false, operand.
type Instruction = (u16, u8, u8, u32);

const LOAD_WORD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K
/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;

/// What the helper may do: memory of its own process, and its socket.
const HELPER_CALLS: [i64; 9] = [
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_open,
    libc::SYS_exit_group,
];

/// Reports every call.
pub fn for_guest_threads() -> Vec<u8> {
    encode(&[(RETURN, 0, 0, libc::SECCOMP_RET_USER_NOTIF)])
}

/// Allows the helper's calls; any other ends the replica.
pub fn for_helper() -> Vec<u8> {
    let mut program = vec![
        (LOAD_WORD, 0, 0, ARCH),
        (JUMP_IF_EQUAL, 1, 0, crate::guest::arch::AUDIT_ARCH),
        (RETURN, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
        (LOAD_WORD, 0, 0, NUMBER),
    ];
    let calls = HELPER_CALLS.len() as u8;
    for (i, nr) in (0u8..).zip(HELPER_CALLS) {
        program.push((JUMP_IF_EQUAL, calls - i, 0, nr as u32));
    }
    program.push((RETURN, 0, 0, libc::SECCOMP_RET_KILL_PROCESS));
    program.push((RETURN, 0, 0, libc::SECCOMP_RET_ALLOW));
    encode(&program)
}

fn encode(program: &[Instruction]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(program.len() * 8);
    for (code, if_true, if_false, operand) in program {
        bytes.extend_from_slice(&code.to_ne_bytes());
        bytes.extend_from_slice(&[*if_true, *if_false]);
        bytes.extend_from_slice(&operand.to_ne_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a program of the instructions used here.
    fn run(program: &[u8], nr: u32, arch: u32) -> u32 {
        let word = |at: usize| u32::from_ne_bytes(program[at..at + 4].try_into().unwrap());
        let (mut at, mut accumulator) = (0, 0);
        loop {
            let code = u16::from_ne_bytes(program[at..at + 2].try_into().unwrap());
            let (if_true, if_false) = (program[at + 2], program[at + 3]);
            let operand = word(at + 4);
            at += 8;
            match code {
                LOAD_WORD => accumulator = if operand == ARCH { arch } else { nr },
                JUMP_IF_EQUAL => {
                    let skip = if accumulator == operand {
                        if_true
                    } else {
                        if_false
                    };
                    at += 8 * usize::from(skip);
                }
                RETURN => return operand,
                _ => panic!("unknown instruction {code:#x}"),
            }
        }
    }

    #[test]
    fn the_helper_may_do_what_is_listed_and_nothing_else() {
        let program = for_helper();
        let native = crate::guest::arch::AUDIT_ARCH;
        for nr in 0..500u32 {
            let allowed = HELPER_CALLS.contains(&i64::from(nr));
            let verdict = run(&program, nr, native);
            assert_eq!(verdict == libc::SECCOMP_RET_ALLOW, allowed, "call {nr}");
            assert_eq!(
                run(&program, nr, native ^ 1),
                libc::SECCOMP_RET_KILL_PROCESS
            );
        }
    }

    #[test]
    fn guest_threads_may_do_nothing() {
        assert_eq!(
            run(&for_guest_threads(), 0, 0),
            libc::SECCOMP_RET_USER_NOTIF
        );
    }
}
