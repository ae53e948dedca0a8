//! The guest's filter: reports what [`crate::calls::intercepted`] names, lets everything else pass.

use crate::calls::{
    BARRIERS, DROPPING, FULL, FUTEX_COMMAND, NO_KEY, PI_OPERATIONS, PINNING, REFUSED,
};
use crate::continuations::PARK;
use crate::guest::arch;
use crate::guest::seccomp::bpf::{
    AND, ARCH, Instruction, JUMP_IF_EQUAL, LOAD_WORD, NUMBER, RETURN, argument, encode,
};

const ALLOW: Instruction = (RETURN, 0, 0, libc::SECCOMP_RET_ALLOW);
const REPORT: Instruction = (RETURN, 0, 0, libc::SECCOMP_RET_USER_NOTIF);
/// Without a tracer the call fails, as it does natively.
const STOP: Instruction = (RETURN, 0, 0, libc::SECCOMP_RET_TRACE);

/// The filter. Calls by other entries than the native one pass: programs that use them are not
/// offloaded.
pub fn program() -> Vec<u8> {
    let mut program = vec![
        (LOAD_WORD, 0, 0, ARCH),
        (JUMP_IF_EQUAL, 1, 0, arch::AUDIT_ARCH),
        ALLOW,
        (LOAD_WORD, 0, 0, NUMBER),
    ];
    let blocks = [
        (libc::SYS_futex, futex()),
        (libc::SYS_madvise, one_of(&advices(), 2)),
        (libc::SYS_mprotect, protection()),
        (libc::SYS_openat, vec![REPORT]),
        (libc::SYS_openat2, vec![REPORT]),
        (libc::SYS_fcntl, set_direct()),
        (libc::SYS_mincore, vec![REPORT]),
        (libc::SYS_process_madvise, one_of(&advices(), 3)),
        (libc::SYS_pkey_mprotect, keyed()),
        (libc::SYS_shmat, has(libc::SHM_REMAP, 2)),
        (libc::SYS_mremap, has(libc::MREMAP_MAYMOVE, 3)),
        (libc::SYS_io_uring_register, one_of(&PINNING, 1)),
        (libc::SYS_userfaultfd, vec![REPORT]),
        (libc::SYS_clock_gettime, cpu_clock()),
        (libc::SYS_clock_nanosleep, cpu_clock()),
        (libc::SYS_timer_create, cpu_clock()),
        (
            libc::SYS_getrusage,
            one_of(&[libc::RUSAGE_SELF, libc::RUSAGE_THREAD], 0),
        ),
        (libc::SYS_times, vec![REPORT]),
        (
            libc::SYS_setitimer,
            one_of(&[libc::ITIMER_VIRTUAL, libc::ITIMER_PROF], 0),
        ),
        (libc::SYS_setrlimit, one_of(&[libc::RLIMIT_CPU as i32], 0)),
        (libc::SYS_prlimit64, one_of(&[libc::RLIMIT_CPU as i32], 1)),
        (libc::SYS_set_tid_address, vec![REPORT]),
        (libc::SYS_clone, lacks(libc::CLONE_VM, 0)),
        (libc::SYS_clone3, vec![REPORT]),
        (libc::SYS_membarrier, one_of(&BARRIERS, 0)),
        (libc::SYS_prctl, one_of(&[libc::PR_GET_SECCOMP], 0)),
    ];
    let park = (PARK, vec![STOP]);
    let open = arch::OPEN.map(|nr| (nr, vec![REPORT]));
    let copying = arch::COPYING_CALLS.iter().map(|nr| (*nr, vec![REPORT]));
    for (nr, block) in blocks.into_iter().chain([park]).chain(open).chain(copying) {
        program.push((JUMP_IF_EQUAL, 0, block.len() as u8, nr as u32));
        program.extend(block);
    }
    program.push(ALLOW);
    encode(&program)
}

fn advices() -> Vec<i32> {
    DROPPING.into_iter().chain(REFUSED).collect()
}

/// Reports if argument `at` is one of these.
fn one_of(values: &[i32], at: u32) -> Vec<Instruction> {
    let mut block = vec![(LOAD_WORD, 0, 0, argument(at))];
    block.extend(report_if(values));
    block
}

/// Reports if what is loaded is one of these.
fn report_if(values: &[i32]) -> Vec<Instruction> {
    let mut block = Vec::new();
    for (i, value) in values.iter().enumerate() {
        // To the report, which follows the verdict that lets pass.
        let to_report = (values.len() - i) as u8;
        block.push((JUMP_IF_EQUAL, to_report, 0, *value as u32));
    }
    block.extend([ALLOW, REPORT]);
    block
}

/// Reports if argument `at` has this bit.
fn has(bit: i32, at: u32) -> Vec<Instruction> {
    vec![
        (LOAD_WORD, 0, 0, argument(at)),
        (AND, 0, 0, bit as u32),
        (JUMP_IF_EQUAL, 0, 1, 0),
        ALLOW,
        REPORT,
    ]
}

/// Reports if argument `at` has not got this bit.
fn lacks(bit: i32, at: u32) -> Vec<Instruction> {
    let mut block = has(bit, at);
    let end = block.len();
    block.swap(end - 2, end - 1);
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

/// Reports the operations that work on words without serving faults.
fn futex() -> Vec<Instruction> {
    let mut block = vec![
        (LOAD_WORD, 0, 0, argument(1)),
        (AND, 0, 0, FUTEX_COMMAND as u32),
    ];
    let mut operations = vec![libc::FUTEX_WAKE_OP];
    operations.extend(PI_OPERATIONS);
    block.extend(report_if(&operations));
    block
}

/// Reports if direct I/O is switched on.
fn set_direct() -> Vec<Instruction> {
    let mut block = vec![
        (LOAD_WORD, 0, 0, argument(1)),
        (JUMP_IF_EQUAL, 1, 0, libc::F_SETFL as u32),
        ALLOW,
    ];
    block.extend(has(libc::O_DIRECT, 2));
    block
}

/// Reports if there is a key, or as for any other protection.
fn keyed() -> Vec<Instruction> {
    let mut block = vec![(LOAD_WORD, 0, 0, argument(3))];
    for (i, key) in NO_KEY.iter().enumerate() {
        let to_protection = (NO_KEY.len() - i) as u8;
        block.push((JUMP_IF_EQUAL, to_protection, 0, *key as u32));
    }
    block.push(REPORT);
    block.extend(protection());
    block
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
            let setfl = libc::F_SETFL as u64;
            let all_args = [
                [0, 0, value, value, 0, 0],
                [value, 0, 0, 0, 0, 0],
                [7, value, 0, 0, 0, 0],
                [0, value, value, 1, 0, 0],
                [0, setfl, value, 7, 0, 0],
                [0, 0, 0, value, 0, 0],
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
    fn who_parks_stops() {
        let found = verdict(&program(), AUDIT_ARCH, PARK, &[0; 6]);
        assert_eq!(found, libc::SECCOMP_RET_TRACE);
    }

    #[test]
    fn other_entries_to_the_kernel_pass() {
        let args = [0, 0, 4, 4, 0, 0];
        let found = verdict(&program(), AUDIT_ARCH ^ 1, libc::SYS_madvise, &args);
        assert_eq!(found, libc::SECCOMP_RET_ALLOW);
    }
}
