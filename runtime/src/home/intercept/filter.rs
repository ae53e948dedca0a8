//! The guest's filter: reports what [`crate::calls::intercepted`] names, lets everything else pass.

use crate::calls::{DROPPING, FULL, REFUSED};
use crate::guest::seccomp::bpf::{
    AND, ARCH, Instruction, JUMP_IF_EQUAL, LOAD_WORD, NUMBER, RETURN, argument, encode,
};

const ALLOW: Instruction = (RETURN, 0, 0, libc::SECCOMP_RET_ALLOW);
const REPORT: Instruction = (RETURN, 0, 0, libc::SECCOMP_RET_USER_NOTIF);

/// The filter. Calls by other entries than the native one pass: programs that use them are not
/// offloaded.
pub fn program() -> Vec<u8> {
    let mut program = vec![
        (LOAD_WORD, 0, 0, ARCH),
        (JUMP_IF_EQUAL, 1, 0, crate::guest::arch::AUDIT_ARCH),
        ALLOW,
        (LOAD_WORD, 0, 0, NUMBER),
    ];
    for (nr, block) in [
        (libc::SYS_madvise, advice(2)),
        (libc::SYS_process_madvise, advice(3)),
        (libc::SYS_mprotect, protection()),
        (libc::SYS_pkey_mprotect, protection()),
        (libc::SYS_shmat, replaces()),
        (libc::SYS_clock_gettime, cpu_clock()),
        (libc::SYS_clock_nanosleep, cpu_clock()),
        (libc::SYS_timer_create, cpu_clock()),
        (
            libc::SYS_getrusage,
            any_of(0, &[libc::RUSAGE_SELF, libc::RUSAGE_THREAD]),
        ),
        (libc::SYS_times, vec![REPORT]),
        (
            libc::SYS_setitimer,
            any_of(0, &[libc::ITIMER_VIRTUAL, libc::ITIMER_PROF]),
        ),
        (libc::SYS_setrlimit, any_of(0, &[libc::RLIMIT_CPU as i32])),
        (libc::SYS_prlimit64, any_of(1, &[libc::RLIMIT_CPU as i32])),
        (libc::SYS_set_tid_address, vec![REPORT]),
        (libc::SYS_prctl, any_of(0, &[libc::PR_GET_SECCOMP])),
    ] {
        program.push((JUMP_IF_EQUAL, 0, block.len() as u8, nr as u32));
        program.extend(block);
    }
    program.push(ALLOW);
    encode(&program)
}

/// Reports if argument `at` is an advice of the lists.
fn advice(at: u32) -> Vec<Instruction> {
    let advices: Vec<i32> = DROPPING.into_iter().chain(REFUSED).collect();
    any_of(at, &advices)
}

/// Reports if argument `at` is one of `values`.
fn any_of(at: u32, values: &[i32]) -> Vec<Instruction> {
    let mut block = vec![(LOAD_WORD, 0, 0, argument(at))];
    for (i, value) in values.iter().enumerate() {
        // To the report, which follows the verdict that lets pass.
        let to_report = (values.len() - i) as u8;
        block.push((JUMP_IF_EQUAL, to_report, 0, *value as u32));
    }
    block.extend([ALLOW, REPORT]);
    block
}

/// Reports if the first argument is a CPU-time clock: one of two small numbers, or a negative one
/// unless its last three bits are those of a clock that is a file.
fn cpu_clock() -> Vec<Instruction> {
    const NEGATIVE: u32 = 1 << 31;
    vec![
        (LOAD_WORD, 0, 0, argument(0)),
        (JUMP_IF_EQUAL, 6, 0, libc::CLOCK_PROCESS_CPUTIME_ID as u32),
        (JUMP_IF_EQUAL, 5, 0, libc::CLOCK_THREAD_CPUTIME_ID as u32),
        (AND, 0, 0, NEGATIVE | 7),
        (JUMP_IF_EQUAL, 2, 0, NEGATIVE | 3),
        (AND, 0, 0, NEGATIVE),
        (JUMP_IF_EQUAL, 0, 1, 0),
        ALLOW,
        REPORT,
    ]
}

/// Reports unless the protection is full.
fn protection() -> Vec<Instruction> {
    vec![
        (LOAD_WORD, 0, 0, argument(2)),
        (AND, 0, 0, FULL as u32),
        (JUMP_IF_EQUAL, 0, 1, FULL as u32),
        ALLOW,
        REPORT,
    ]
}

/// Reports if SHM_REMAP is asked for.
fn replaces() -> Vec<Instruction> {
    vec![
        (LOAD_WORD, 0, 0, argument(2)),
        (AND, 0, 0, libc::SHM_REMAP as u32),
        (JUMP_IF_EQUAL, 0, 1, 0),
        ALLOW,
        REPORT,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::{intercepted, may_be_intercepted};
    use crate::guest::arch::AUDIT_ARCH;
    use crate::guest::seccomp::bpf::verdict;

    #[test]
    fn exactly_the_intercepted_calls_are_reported() {
        let program = program();
        let mut reported = 0;
        let negative = (1..1000u64).map(|value| 1 << 32 | (0u32.wrapping_sub(value as u32) as u64));
        let values = (0..0x8000u64)
            .chain(negative)
            .chain([u64::MAX, 1 << 32 | 4, 0xffff_0000]);
        for value in values {
            let all_args = [
                [0, 0, value, value, 0, 0],
                [value, 0, 0, 0, 0, 0],
                [7, value, 0, 0, 0, 0],
            ];
            for nr in 0..500i64 {
                // The bulk of the numbers needs no more than a few arguments.
                if value > 128 && !may_be_intercepted(nr) {
                    continue;
                }
                for args in &all_args {
                    let expected = match intercepted(nr, args) {
                        Some(_) => libc::SECCOMP_RET_USER_NOTIF,
                        None => libc::SECCOMP_RET_ALLOW,
                    };
                    let found = verdict(&program, AUDIT_ARCH, nr, args);
                    assert_eq!(found, expected, "call {nr} with {args:x?}");
                    reported += u32::from(found == libc::SECCOMP_RET_USER_NOTIF);
                }
            }
        }
        assert!(reported > 1000);
    }

    #[test]
    fn other_entries_to_the_kernel_pass() {
        let args = [0, 0, 4, 4, 0, 0];
        let found = verdict(&program(), AUDIT_ARCH ^ 1, libc::SYS_madvise, &args);
        assert_eq!(found, libc::SECCOMP_RET_ALLOW);
    }
}
