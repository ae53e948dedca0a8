//! The seccomp filters of a replica, as classic BPF programs (seccomp(2)).
//!
//! Threads that run the guest's code may make no system call by themselves: each is reported to the
//! agent. The helper makes calls that the agent asks for, but the guest can write to the memory in
//! which they are asked for; so it may make only calls that do no harm outside of the replica.

use crate::guest::seccomp::bpf::{
    ARCH, COUNTER_HIGH, COUNTER_LOW, JUMP_IF_EQUAL, LOAD_WORD, NUMBER, RETURN, argument, encode,
};

/// What the helper may do: memory of its own process, and its socket.
const HELPER_CALLS: [i64; 10] = [
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_open,
    libc::SYS_membarrier,
    libc::SYS_exit_group,
];

/// The clocks that are the machine's, not a process's or thread's.
const MACHINE_CLOCKS: [i32; 8] = [
    libc::CLOCK_REALTIME,
    libc::CLOCK_MONOTONIC,
    libc::CLOCK_MONOTONIC_RAW,
    libc::CLOCK_REALTIME_COARSE,
    libc::CLOCK_MONOTONIC_COARSE,
    libc::CLOCK_BOOTTIME,
    libc::CLOCK_TAI,
    libc::CLOCK_BOOTTIME_ALARM,
];

/// Reports every call. If this machine's clocks are home's too, the stub's clock (whose call shows the
/// program counter `clock`) may read them itself.
pub fn for_guest_threads(clock: Option<u64>) -> Vec<u8> {
    let mut program = Vec::new();
    if let Some(clock) = clock {
        let conditions = [
            (ARCH, crate::guest::arch::AUDIT_ARCH),
            (NUMBER, libc::SYS_clock_gettime as u32),
            (COUNTER_LOW, clock as u32),
            (COUNTER_HIGH, (clock >> 32) as u32),
        ];
        let clocks = MACHINE_CLOCKS.len() as u8;
        for (i, (what, value)) in (0u8..).zip(conditions) {
            program.push((LOAD_WORD, 0, 0, what));
            let left = 2 * (conditions.len() as u8 - i - 1) + 1 + clocks;
            program.push((JUMP_IF_EQUAL, 0, left, value));
        }
        program.push((LOAD_WORD, 0, 0, argument(0)));
        for (i, id) in (0u8..).zip(MACHINE_CLOCKS) {
            program.push((JUMP_IF_EQUAL, clocks - i, 0, id as u32));
        }
        program.push((RETURN, 0, 0, libc::SECCOMP_RET_USER_NOTIF));
        program.push((RETURN, 0, 0, libc::SECCOMP_RET_ALLOW));
    } else {
        program.push((RETURN, 0, 0, libc::SECCOMP_RET_USER_NOTIF));
    }
    encode(&program)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::seccomp::bpf::{verdict, verdict_at};

    #[test]
    fn the_helper_may_do_what_is_listed_and_nothing_else() {
        let program = for_helper();
        let native = crate::guest::arch::AUDIT_ARCH;
        for nr in 0..500u32 {
            let allowed = HELPER_CALLS.contains(&i64::from(nr));
            let on = |arch| verdict(&program, arch, nr.into(), &[0; 6]);
            assert_eq!(on(native) == libc::SECCOMP_RET_ALLOW, allowed, "call {nr}");
            assert_eq!(on(native ^ 1), libc::SECCOMP_RET_KILL_PROCESS);
        }
    }

    #[test]
    fn guest_threads_may_do_nothing() {
        assert_eq!(
            verdict(&for_guest_threads(None), 0, 0, &[0; 6]),
            libc::SECCOMP_RET_USER_NOTIF
        );
    }

    #[test]
    fn only_the_stubs_clock_may_read_only_the_machines_clocks() {
        let (stub, nr) = (0x1_0002_0123, libc::SYS_clock_gettime);
        let native = crate::guest::arch::AUDIT_ARCH;
        let program = for_guest_threads(Some(stub));
        let allowed = |nr, arch, pc, id: i32| {
            let args = [id as u32 as u64, 0, 0, 0, 0, 0];
            match verdict_at(&program, arch, nr, pc, &args) {
                libc::SECCOMP_RET_ALLOW => true,
                libc::SECCOMP_RET_USER_NOTIF => false,
                other => panic!("{other:#x}"),
            }
        };
        for id in -20..20 {
            let machines = MACHINE_CLOCKS.contains(&id);
            assert_eq!(allowed(nr, native, stub, id), machines, "{id}");
        }
        assert!(!allowed(nr + 1, native, stub, 1));
        assert!(!allowed(nr, native ^ 1, stub, 1));
        assert!(!allowed(nr, native, stub + 1, 1));
        assert!(!allowed(nr, native, stub & 0xffff_ffff, 1));
    }
}
