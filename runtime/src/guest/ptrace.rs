//! The ptrace(2) requests rtx uses, each a thin safe function.
//!
//! All must be called from the tracer thread of `tid`, else the kernel answers ESRCH; ESRCH also
//! means that the thread was killed meanwhile. Signals are plain numbers here because real-time
//! signals (musl's cancellation is number 33) have no name.

use std::io;

use super::arch::{self, Registers};

/// A thread id.
pub type Tid = i32;

/// Options while a guest is only supervised.
pub const GUEST_OPTIONS: i32 = libc::PTRACE_O_EXITKILL
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACEEXIT
    | libc::PTRACE_O_TRACESYSGOOD;
/// Options once pages may be away from home: a forked child must be filled before it runs.
pub const SHARED_GUEST_OPTIONS: i32 =
    GUEST_OPTIONS | libc::PTRACE_O_TRACEFORK | libc::PTRACE_O_TRACESECCOMP;
/// Options of a replica's threads.
pub const REPLICA_OPTIONS: i32 = libc::PTRACE_O_EXITKILL
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACESYSGOOD;

fn request(request: libc::c_uint, tid: Tid, addr: usize, data: usize) -> io::Result<()> {
    // SAFETY: every request made here passes either integers or pointers to live buffers of the
    // size the request writes; the kernel checks the tid.
    let answer = unsafe { libc::ptrace(request, tid, addr, data) };
    if answer == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Attaches to a running thread without stopping it.
pub fn seize(tid: Tid, options: i32) -> io::Result<()> {
    request(libc::PTRACE_SEIZE, tid, 0, options as usize)
}

/// Lets a thread go: it runs on untraced, with `signal` delivered first if not 0.
pub fn detach(tid: Tid, signal: i32) -> io::Result<()> {
    request(libc::PTRACE_DETACH, tid, 0, signal as usize)
}

/// Asks a running thread to stop; any stop it enters next satisfies the request.
pub fn interrupt(tid: Tid) -> io::Result<()> {
    request(libc::PTRACE_INTERRUPT, tid, 0, 0)
}

/// Lets a stopped thread run, with `signal` delivered first if not 0.
pub fn cont(tid: Tid, signal: i32) -> io::Result<()> {
    request(libc::PTRACE_CONT, tid, 0, signal as usize)
}

/// Lets a stopped thread run to its next entry to or exit from a system call.
pub fn cont_to_call(tid: Tid, signal: i32) -> io::Result<()> {
    request(libc::PTRACE_SYSCALL, tid, 0, signal as usize)
}

/// Leaves a thread in its group-stop, but reports when that ends.
pub fn listen(tid: Tid) -> io::Result<()> {
    request(libc::PTRACE_LISTEN, tid, 0, 0)
}

/// Replaces the options of a stopped thread.
pub fn set_options(tid: Tid, options: i32) -> io::Result<()> {
    request(libc::PTRACE_SETOPTIONS, tid, 0, options as usize)
}

/// The message of the event a thread stopped for (a new thread's id, an exit status).
pub fn event_message(tid: Tid) -> io::Result<u64> {
    let mut message: libc::c_ulong = 0;
    request(libc::PTRACE_GETEVENTMSG, tid, 0, &raw mut message as usize)?;
    Ok(message)
}

/// Whether a thread that stopped at a system call is at its entry, not at its exit.
pub fn enters_call(tid: Tid) -> io::Result<bool> {
    /// `PTRACE_EVENTMSG_SYSCALL_ENTRY` (linux/ptrace.h).
    const ENTRY: u64 = 1;
    event_message(tid).map(|message| message == ENTRY)
}

/// Whether a thread is stopped at the entry to or the exit from a call.
pub fn is_at_call(tid: Tid) -> io::Result<bool> {
    /// `PTRACE_SYSCALL_INFO_ENTRY` and `PTRACE_SYSCALL_INFO_EXIT` (linux/ptrace.h).
    const AT_CALL: [u8; 2] = [1, 2];
    let mut kind = 0u8; // the first byte of struct ptrace_syscall_info
    let at = &raw mut kind as usize;
    request(libc::PTRACE_GET_SYSCALL_INFO, tid, size_of_val(&kind), at)?;
    Ok(AT_CALL.contains(&kind))
}

/// A word of a stopped thread's memory. Fails where a page is away.
pub fn peek(tid: Tid, at: u64) -> io::Result<u64> {
    let mut word = 0u64;
    // The raw call, unlike the C library's, stores the word.
    // SAFETY: the kernel writes one word.
    let answer = unsafe {
        let into = &raw mut word;
        libc::syscall(libc::SYS_ptrace, libc::PTRACE_PEEKDATA, tid, at, into)
    };
    match answer {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(word),
    }
}

/// Everything about the signal a thread is stopped for.
pub fn full_signal_info(tid: Tid) -> io::Result<libc::siginfo_t> {
    // SAFETY: siginfo_t is plain data; all zero is valid.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    request(libc::PTRACE_GETSIGINFO, tid, 0, &raw mut info as usize)?;
    Ok(info)
}

/// Replaces what is known about the signal a thread is stopped for.
pub fn set_signal_info(tid: Tid, info: &libc::siginfo_t) -> io::Result<()> {
    let at = std::ptr::from_ref(info) as usize;
    request(libc::PTRACE_SETSIGINFO, tid, 0, at)
}

/// What a signal says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalInfo {
    /// Its number.
    pub signal: i32,
    /// `si_code`: who made it (sigaction(2)).
    pub code: i32,
    /// The sender's pid, where `code` says that a process sent it.
    pub sender: i32,
    /// The faulting address, where `code` says that an instruction caused it.
    pub address: u64,
}

/// The signal a thread is stopped for.
pub fn signal_info(tid: Tid) -> io::Result<SignalInfo> {
    let info = full_signal_info(tid)?;
    // SAFETY: the kernel filled the struct; the two accessors read different views of one union
    // of integers, each valid for any bit pattern.
    let (sender, address) = unsafe { (info.si_pid(), info.si_addr() as u64) };
    Ok(SignalInfo {
        signal: info.si_signo,
        code: info.si_code,
        sender,
        address,
    })
}

/// Calls `each` with the signals that wait for a thread, or (`shared`) for its whole process, until it
/// returns true; returns whether it did.
fn any_pending(
    tid: Tid,
    shared: bool,
    mut each: impl FnMut(&libc::siginfo_t) -> bool,
) -> io::Result<bool> {
    /// `struct __ptrace_peeksiginfo_args` (linux/ptrace.h).
    #[repr(C)]
    struct Peek {
        offset: u64,
        flags: u32,
        count: i32,
    }
    const AT_A_TIME: usize = 8;
    let mut offset = 0;
    loop {
        let peek = Peek {
            offset,
            flags: u32::from(shared), // PTRACE_PEEKSIGINFO_SHARED
            count: AT_A_TIME as i32,
        };
        // SAFETY: siginfo_t is plain data; all zero is valid.
        let mut infos: [libc::siginfo_t; AT_A_TIME] = unsafe { std::mem::zeroed() };
        // SAFETY: the kernel reads one Peek and writes at most `count` siginfos, for which there is
        // room; both live during the call.
        let found = unsafe {
            libc::ptrace(
                libc::PTRACE_PEEKSIGINFO,
                tid,
                &raw const peek,
                infos.as_mut_ptr(),
            )
        };
        let Ok(found) = usize::try_from(found) else {
            return Err(io::Error::last_os_error());
        };
        let met = infos[..found].iter().any(&mut each);
        if met || found < AT_A_TIME {
            return Ok(met);
        }
        offset += found as u64;
    }
}

/// Whether a signal that an instruction of the thread's own caused waits to be delivered to it: the
/// thread was stopped for something else first.
pub fn fault_is_pending(tid: Tid) -> io::Result<bool> {
    // The kernel's own have a positive code (sigaction(2)).
    any_pending(tid, false, |i| {
        SYNCHRONOUS.contains(&i.si_signo) && i.si_code > 0
    })
}

/// Whether a signal that a stopped thread does not block waits for it or for its process.
pub fn signal_is_pending(tid: Tid) -> io::Result<bool> {
    let blocked = signal_mask(tid)?;
    let mut open = |i: &libc::siginfo_t| blocked & bit(i.si_signo) == 0;
    Ok(any_pending(tid, false, &mut open)? || any_pending(tid, true, &mut open)?)
}

/// Signals that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// How many: of those that queue, several may be of one number.
    pub count: usize,
    /// Bit `n - 1` for signal `n`.
    pub numbers: u64,
}

/// More waiting signals than this are not counted.
const COUNTED: usize = 1024;

/// The signals that a stopped thread does not block and that wait for it or for its process.
pub fn signals_pending(tid: Tid) -> io::Result<Signals> {
    let blocked = signal_mask(tid)?;
    let mut open = Signals::default();
    for shared in [false, true] {
        any_pending(tid, shared, |i| {
            let number = bit(i.si_signo) & !blocked;
            open.numbers |= number;
            open.count += usize::from(number != 0);
            open.count >= COUNTED
        })?;
    }
    Ok(open)
}

/// A signal's bit in a set of the kernel's.
pub fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// The signals that instructions cause.
const SYNCHRONOUS: [i32; 6] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGFPE,
    libc::SIGSYS,
];

/// The thread's blocked signals, bit `n - 1` for signal `n`.
pub fn signal_mask(tid: Tid) -> io::Result<u64> {
    let mut mask = 0u64;
    request(libc::PTRACE_GETSIGMASK, tid, 8, &raw mut mask as usize)?;
    Ok(mask)
}

/// Replaces the thread's blocked signals.
pub fn set_signal_mask(tid: Tid, mask: u64) -> io::Result<()> {
    request(libc::PTRACE_SETSIGMASK, tid, 8, &raw const mask as usize)
}

/// Reads a register set into `len` bytes at `buffer`; returns how many it has.
///
/// # Safety
/// `buffer` must have room for `len` bytes, and may get any value.
pub unsafe fn get_set(tid: Tid, set: i32, buffer: *mut u8, len: usize) -> io::Result<usize> {
    let mut iov = libc::iovec {
        iov_base: buffer.cast(),
        iov_len: len,
    };
    let iov_at = &raw mut iov as usize;
    request(libc::PTRACE_GETREGSET, tid, set as usize, iov_at)?;
    Ok(iov.iov_len)
}

/// Replaces a register set by `len` bytes at `buffer`.
///
/// # Safety
/// `buffer` must have `len` bytes.
pub unsafe fn set_set(tid: Tid, set: i32, buffer: *const u8, len: usize) -> io::Result<()> {
    let mut iov = libc::iovec {
        iov_base: buffer.cast_mut().cast(),
        iov_len: len,
    };
    let iov_at = &raw mut iov as usize;
    request(libc::PTRACE_SETREGSET, tid, set as usize, iov_at)
}

/// The general registers of a stopped thread.
pub fn registers(tid: Tid) -> io::Result<Registers> {
    arch::read_registers(tid)
}

/// Replaces the general registers of a stopped thread.
pub fn set_registers(tid: Tid, regs: &Registers) -> io::Result<()> {
    arch::write_registers(tid, regs)
}

/// The extended state (floating point, vectors) of a stopped thread, as it travels on the wire.
pub fn extended(tid: Tid) -> io::Result<Vec<u8>> {
    arch::read_extended(tid)
}

/// Replaces the extended state of a stopped thread.
pub fn set_extended(tid: Tid, state: &[u8]) -> io::Result<()> {
    arch::write_extended(tid, state)
}

/// A thread's area for restartable sequences (rseq(2)).
#[derive(Clone, Copy, Debug)]
pub struct RseqArea {
    /// Where it is.
    pub address: u64,
    /// Its size as registered, bytes.
    pub size: u32,
    /// The signature before its abort handlers.
    pub signature: u32,
}

/// The area a stopped thread has registered, if any.
pub fn rseq(tid: Tid) -> io::Result<Option<RseqArea>> {
    /// `PTRACE_GET_RSEQ_CONFIGURATION` and its struct (linux/ptrace.h), which libc has not for every
    /// ISA.
    const GET_RSEQ_CONFIGURATION: libc::c_uint = 0x420f;
    #[repr(C)]
    #[derive(Default)]
    struct Configuration {
        address: u64,
        size: u32,
        signature: u32,
        flags: u32,
        padding: u32,
    }
    let mut area = Configuration::default();
    let size = size_of_val(&area);
    match request(GET_RSEQ_CONFIGURATION, tid, size, &raw mut area as usize) {
        Ok(()) => {}
        // A kernel without restartable sequences.
        Err(e) if e.raw_os_error() == Some(libc::EIO) => return Ok(None),
        Err(e) => return Err(e),
    }
    Ok((area.address != 0).then_some(RseqArea {
        address: area.address,
        size: area.size,
        signature: area.signature,
    }))
}

/// Sends a signal to one thread of a process.
pub fn tgkill(pid: Tid, tid: Tid, signal: i32) -> io::Result<()> {
    // SAFETY: tgkill takes three integers.
    match unsafe { libc::syscall(libc::SYS_tgkill, pid, tid, signal) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Waits for a stop or an end of `tid` (-1: any child or tracee of this thread). Returns `None`
/// where nothing is there: no report yet (`block` false) or no such child.
pub fn wait(tid: Tid, block: bool) -> io::Result<Option<(Tid, i32)>> {
    let flags = libc::__WALL | libc::__WNOTHREAD | if block { 0 } else { libc::WNOHANG };
    loop {
        let mut status = 0;
        // SAFETY: waitpid writes one int.
        match unsafe { libc::waitpid(tid, &raw mut status, flags) } {
            0 => return Ok(None),
            -1 => {
                let error = io::Error::last_os_error();
                match error.raw_os_error() {
                    Some(libc::EINTR) => continue,
                    Some(libc::ECHILD) => return Ok(None),
                    _ => return Err(error),
                }
            }
            stopped => return Ok(Some((stopped, status))),
        }
    }
}
