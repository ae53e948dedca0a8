//! Calls that both instruction sets have, and of which a flag or a sub-command decides: memory, prctl(2),
//! ioctl(2).

use super::isa::{Ends, Isa};
use super::open_flags;
use super::script::{Call, Plan};

/// x86-64's MAP_32BIT and MAP_ABOVE4G (its asm/mman.h). ARM64 has no such flags.
const MAP_BELOW_OR_ABOVE: u64 = 0x40 | 0x80;
/// ARM64's PROT_BTI and PROT_MTE (its asm/mman.h). x86-64 has no such rights.
const PROT_OF_ARM64: u64 = 0x10 | 0x20;
/// Says that flags which the kernel does not know are an error.
const MAP_SHARED_VALIDATE: u64 = 3;
const MAP_TYPE: u64 = 0xf;
/// ioctl(2): the other end of a terminal, opened with flags of open(2).
const TIOCGPTPEER: u32 = 0x5441;
/// ioctl(2): struct loop_info, which has a device number of 8 bytes on x86-64, of 4 on ARM64.
const LOOP_INFO: [u32; 2] = [0x4c02, 0x4c03];
/// ioctl(2): the type of requests of virtual machines (uapi/linux/kvm.h), which have registers in them.
const KVM: u32 = 0xae;

/// The plan for mmap(2).
pub(super) fn map(ends: Ends, args: &[u64; 6]) -> Plan {
    let mut call = Call {
        name: "mmap",
        args: *args,
    };
    if args[3] & MAP_BELOW_OR_ABOVE != 0 {
        if ends.board == Isa::X86_64 {
            let why = "MAP_32BIT and MAP_ABOVE4G are x86-64's alone";
            return Plan::Refuse(libc::EOPNOTSUPP, why);
        }
        let validated = args[3] & MAP_TYPE == MAP_SHARED_VALIDATE;
        if validated && args[3] & libc::MAP_ANONYMOUS as u64 == 0 {
            return Plan::Done(-i64::from(libc::EOPNOTSUPP));
        }
        // Where it has no meaning it is ignored.
        call.args[3] &= !MAP_BELOW_OR_ABOVE;
    }
    if ends.board == Isa::X86_64 {
        call.args[2] &= !PROT_OF_ARM64;
    }
    Plan::Plain(call)
}

/// The plan for mprotect(2), which refuses rights it does not know.
pub(super) fn protect(ends: Ends, args: &[u64; 6]) -> Plan {
    protection(ends, "mprotect", args)
}

/// The plan for pkey_mprotect(2). Without a key it is mprotect(2).
pub(super) fn protect_with_key(ends: Ends, args: &[u64; 6]) -> Plan {
    if args[3] as i32 != -1 {
        return Plan::Refuse(libc::EINVAL, NO_KEYS);
    }
    protection(ends, "pkey_mprotect", args)
}

/// Why protection keys are refused.
pub(super) const NO_KEYS: &str =
    "the rights of protection keys are a register of the board's, which home does not have";

fn protection(ends: Ends, name: &'static str, args: &[u64; 6]) -> Plan {
    if ends.board == Isa::X86_64 && args[2] & PROT_OF_ARM64 != 0 {
        return Plan::Done(-i64::from(libc::EINVAL));
    }
    let args = *args;
    Plan::Plain(Call { name, args })
}

/// Commands of prctl(2) that are about the process, or about what of the thread stays at home; with the
/// same arguments (uapi/linux/prctl.h).
#[rustfmt::skip]
pub(super) const PROCESS_CONTROLS: &[(i32, &str)] = &[
    (1, "SET_PDEATHSIG"), (2, "GET_PDEATHSIG"), (3, "GET_DUMPABLE"), (4, "SET_DUMPABLE"), (7, "GET_KEEPCAPS"),
    (8, "SET_KEEPCAPS"), (13, "GET_TIMING"), (14, "SET_TIMING"), (15, "SET_NAME"), (16, "GET_NAME"),
    (21, "GET_SECCOMP"), (23, "CAPBSET_READ"), (24, "CAPBSET_DROP"), (27, "GET_SECUREBITS"), (28, "SET_SECUREBITS"),
    (29, "SET_TIMERSLACK"), (30, "GET_TIMERSLACK"), (31, "TASK_PERF_EVENTS_DISABLE"), (32, "TASK_PERF_EVENTS_ENABLE"),
    (33, "MCE_KILL"), (34, "MCE_KILL_GET"), (35, "SET_MM"), (36, "SET_CHILD_SUBREAPER"), (37, "GET_CHILD_SUBREAPER"),
    (38, "SET_NO_NEW_PRIVS"), (39, "GET_NO_NEW_PRIVS"), (40, "GET_TID_ADDRESS"), (41, "SET_THP_DISABLE"),
    (42, "GET_THP_DISABLE"), (47, "CAP_AMBIENT"), (52, "GET_SPECULATION_CTRL"), (53, "SET_SPECULATION_CTRL"),
    (57, "SET_IO_FLUSHER"), (58, "GET_IO_FLUSHER"), (62, "SCHED_CORE"), (65, "SET_MDWE"), (66, "GET_MDWE"),
    (67, "SET_MEMORY_MERGE"), (68, "GET_MEMORY_MERGE"), (77, "TIMER_CREATE_RESTORE_IDS"), (78, "FUTEX_HASH"),
    (0x4155_5856, "GET_AUXV"), (0x5356_4d41, "SET_VMA"), (0x5961_6d61, "SET_PTRACER"),
];

/// No kernel will have as many commands soon.
const FAR_FROM_ANY: i32 = 1024;

/// The plan for prctl(2).
pub(super) fn process_control(_ends: Ends, args: &[u64; 6]) -> Plan {
    let command = args[0] as i32;
    if PROCESS_CONTROLS.iter().any(|(known, _)| *known == command) {
        let (name, args) = ("prctl", *args);
        return Plan::Plain(Call { name, args });
    }
    // Commands count up from 1; those that are named by letters are in the list.
    if !(0..FAR_FROM_ANY).contains(&command) {
        return Plan::Done(-i64::from(libc::EINVAL));
    }
    let why = "this command is not known, or is about the processor on which a thread runs";
    Plan::Refuse(libc::EINVAL, why)
}

/// The plan for ioctl(2). Requests have the same numbers (asm-generic/ioctl.h, ioctls.h, termbits.h), and
/// their structures the same layout, but for those named here.
pub(super) fn device(ends: Ends, args: &[u64; 6]) -> Plan {
    let mut call = Call {
        name: "ioctl",
        args: *args,
    };
    let request = args[1] as u32;
    if request == TIOCGPTPEER {
        call.args[2] = open_flags::to_home(ends, args[2]);
    } else if LOOP_INFO.contains(&request) {
        let why = "struct loop_info differs; LOOP_GET_STATUS64 and LOOP_SET_STATUS64 work";
        return Plan::Refuse(libc::EINVAL, why);
    } else if request >> 8 & 0xff == KVM {
        let why = "virtual machines are of home's instruction set";
        return Plan::Refuse(libc::ENOTTY, why);
    }
    Plan::Plain(call)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO_ARM: Ends = Ends::FOREIGN[0];
    const TO_X86: Ends = Ends::FOREIGN[1];

    fn args(plan: Plan) -> [u64; 6] {
        match plan {
            Plan::Plain(call) => call.args,
            plan => panic!("{plan:?}"),
        }
    }

    #[test]
    fn flags_of_one_isa_alone_are_refused_or_ignored_as_there() {
        let private = [0, 4096, 3, 0x62, u64::MAX, 0];
        assert!(matches!(
            map(TO_ARM, &private),
            Plan::Refuse(libc::EOPNOTSUPP, _)
        ));
        assert_eq!(args(map(TO_X86, &private))[3], 0x22);
        let validated = [0, 4096, 3, 0x43, 3, 0];
        assert!(matches!(map(TO_X86, &validated), Plan::Done(-95)));
        let usual = [0, 4096, 3, 0x22, u64::MAX, 0];
        for ends in Ends::FOREIGN {
            assert_eq!(args(map(ends, &usual)), usual);
        }
    }

    #[test]
    fn rights_of_arm64_do_not_reach_it_from_x86_64() {
        let rights = [0x1000, 4096, 0x13, 0x22, u64::MAX, 0];
        assert_eq!(args(map(TO_ARM, &rights))[2], 3);
        assert!(matches!(protect(TO_ARM, &rights), Plan::Done(-22)));
        // There, home's kernel says so itself.
        assert_eq!(args(protect(TO_X86, &rights)), rights);
        let key = |key: i32| protect_with_key(TO_X86, &[0x1000, 4096, 3, key as u64, 0, 0]);
        assert!(matches!(key(-1), Plan::Plain(_)));
        assert!(matches!(key(0), Plan::Refuse(libc::EINVAL, _)));
    }

    #[test]
    fn commands_about_the_processor_are_refused() {
        // PR_SET_NAME, PR_SET_VMA.
        for fine in [15, 0x5356_4d41] {
            assert!(matches!(
                process_control(TO_ARM, &[fine; 6]),
                Plan::Plain(_)
            ));
        }
        // PR_SET_SECCOMP, PR_SET_TSC, PR_SVE_GET_VL, PR_SET_SYSCALL_USER_DISPATCH, a newer kernel's.
        for not in [22, 26, 51, 59, 1000] {
            let plan = process_control(TO_X86, &[not; 6]);
            assert!(matches!(plan, Plan::Refuse(libc::EINVAL, _)), "{not}");
        }
        // No kernel's: there is nothing to be told.
        for none in [12_345_678, u64::MAX] {
            let plan = process_control(TO_X86, &[none; 6]);
            assert!(matches!(plan, Plan::Done(-22)), "{none}");
        }
    }

    #[test]
    fn requests_with_other_arguments_are_known() {
        let peer = [3, TIOCGPTPEER.into(), 0o400_002, 0, 0, 0];
        assert_eq!(args(device(TO_ARM, &peer))[2], 0o100_002);
        // TCGETS.
        let terminal = [3, 0x5401, 0o400_002, 0, 0, 0];
        assert_eq!(args(device(TO_ARM, &terminal)), terminal);
        // LOOP_GET_STATUS, KVM_RUN.
        for request in [0x4c03, 0xae80] {
            let plan = device(TO_ARM, &[3, request, 0, 0, 0, 0]);
            assert!(matches!(plan, Plan::Refuse(..)), "{request:#x}");
        }
    }
}
