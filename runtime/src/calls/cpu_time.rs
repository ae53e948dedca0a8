//! CPU time. Home's kernel knows nothing of what threads use on boards: calls that read a CPU-time
//! clock have that added, calls that set a timer or a limit by one keep the program at home.

use crate::guest::ptrace::Tid;

/// What a call has to do with CPU time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuTime {
    /// It reads a clock: see [`reading`].
    Read,
    /// From then on the kernel acts when an amount is used.
    Timer,
}

/// Whose time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The calling thread's.
    Caller,
    /// That of a thread, of this process unless the call fails.
    Thread(Tid),
    /// That of all threads there have been.
    Process,
}

/// A struct with a time, of which it is the first member (64-bit ISAs).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `struct timespec`: seconds, nanoseconds.
    Timespec,
    /// `struct rusage`: seconds, microseconds of user time.
    Usage,
    /// `struct tms`: ticks of user time.
    Ticks,
}

/// A call that reads a CPU-time clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whose.
    pub whose: Whose,
    /// Where in memory the time will be; 0: nowhere.
    pub at: u64,
    form: Form,
}

/// Ticks of a second in `struct tms` (USER_HZ, the same on all ISAs that rtx knows).
const TICKS: u64 = 100;

/// `clockid & CLOCKFD_MASK` of a clock that is a file (linux/posix-timers.h): a negative id, but no
/// CPU-time clock.
const FILE_CLOCK: i32 = 3;
/// The bits that tell what a negative id names, and among them the one of threads.
const KIND: i32 = 7;
const OF_THREAD: i32 = 4;

/// Whether a clock counts CPU time.
pub fn counts_cpu_time(clock: i32) -> bool {
    matches!(
        clock,
        libc::CLOCK_PROCESS_CPUTIME_ID | libc::CLOCK_THREAD_CPUTIME_ID
    ) || (clock < 0 && clock & KIND != FILE_CLOCK)
}

/// What call `nr` has to do with CPU time.
pub fn cpu_time(nr: i64, args: &[u64; 6]) -> Option<CpuTime> {
    let int = |i: usize| args[i] as i32;
    match nr {
        libc::SYS_clock_gettime if counts_cpu_time(int(0)) => Some(CpuTime::Read),
        libc::SYS_getrusage if matches!(int(0), libc::RUSAGE_SELF | libc::RUSAGE_THREAD) => {
            Some(CpuTime::Read)
        }
        libc::SYS_times => Some(CpuTime::Read),
        libc::SYS_setitimer if matches!(int(0), libc::ITIMER_VIRTUAL | libc::ITIMER_PROF) => {
            Some(CpuTime::Timer)
        }
        libc::SYS_timer_create | libc::SYS_clock_nanosleep if counts_cpu_time(int(0)) => {
            Some(CpuTime::Timer)
        }
        libc::SYS_setrlimit if int(0) == libc::RLIMIT_CPU as i32 => Some(CpuTime::Timer),
        // Asked for or set; the former changes nothing.
        libc::SYS_prlimit64 if int(1) == libc::RLIMIT_CPU as i32 => Some(CpuTime::Timer),
        _ => None,
    }
}

/// Calls of which some have to do with CPU time.
pub fn may_concern_cpu_time(nr: i64) -> bool {
    matches!(
        nr,
        libc::SYS_clock_gettime
            | libc::SYS_getrusage
            | libc::SYS_times
            | libc::SYS_setitimer
            | libc::SYS_timer_create
            | libc::SYS_clock_nanosleep
            | libc::SYS_setrlimit
            | libc::SYS_prlimit64
    )
}

/// Whether call `nr` sets a timer or a limit by CPU time.
pub fn sets_cpu_timer(nr: i64, args: &[u64; 6]) -> bool {
    let only_asks = nr == libc::SYS_prlimit64 && args[2] == 0;
    cpu_time(nr, args) == Some(CpuTime::Timer) && !only_asks
}

/// What call `nr` of process `pid` reads, if that is CPU time of its own.
pub fn reading(nr: i64, args: &[u64; 6], pid: Tid) -> Option<Reading> {
    if cpu_time(nr, args) != Some(CpuTime::Read) {
        return None;
    }
    let who = args[0] as i32;
    let (whose, at, form) = match nr {
        libc::SYS_times => (Whose::Process, args[0], Form::Ticks),
        libc::SYS_getrusage if who == libc::RUSAGE_THREAD => (Whose::Caller, args[1], Form::Usage),
        libc::SYS_getrusage => (Whose::Process, args[1], Form::Usage),
        _ => (whose_clock(who, pid)?, args[1], Form::Timespec),
    };
    Some(Reading { whose, at, form })
}

/// Whose a CPU-time clock is; `None`: another process's.
fn whose_clock(clock: i32, pid: Tid) -> Option<Whose> {
    let named = !(clock >> 3);
    match clock {
        libc::CLOCK_PROCESS_CPUTIME_ID => Some(Whose::Process),
        libc::CLOCK_THREAD_CPUTIME_ID => Some(Whose::Caller),
        clock if clock & OF_THREAD != 0 && named == 0 => Some(Whose::Caller),
        clock if clock & OF_THREAD != 0 => Some(Whose::Thread(named)),
        _ => (named == 0 || named == pid).then_some(Whose::Process),
    }
}

impl Reading {
    /// How many bytes the time has.
    pub fn bytes(&self) -> usize {
        match self.form {
            Form::Timespec | Form::Usage => 16,
            Form::Ticks => 8,
        }
    }

    /// Adds `ns` nanoseconds to the time, which stands in `bytes` as the kernel wrote it.
    pub fn add(&self, bytes: &mut [u8], ns: u64) {
        let word = |i: usize| u64::from_ne_bytes(bytes[8 * i..][..8].try_into().expect("8 bytes"));
        let words = match self.form {
            Form::Ticks => vec![word(0) + ns / (1_000_000_000 / TICKS)],
            Form::Timespec => sum(word(0), word(1), ns, 1_000_000_000),
            Form::Usage => sum(word(0), word(1), ns / 1000, 1_000_000),
        };
        for (slot, word) in bytes.chunks_exact_mut(8).zip(words) {
            slot.copy_from_slice(&word.to_ne_bytes());
        }
    }
}

/// Seconds and fractions, of which there are `whole` in a second, and some more fractions.
fn sum(seconds: u64, fractions: u64, more: u64, whole: u64) -> Vec<u64> {
    let fractions = fractions + more;
    vec![seconds + fractions / whole, fractions % whole]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(id: i32) -> Option<Reading> {
        let args = [id as u32 as u64, 0x1000, 0, 0, 0, 0];
        reading(libc::SYS_clock_gettime, &args, 70)
    }

    #[test]
    fn clocks_are_told_apart() {
        let whose = |id| clock(id).map(|r| r.whose);
        assert_eq!(whose(libc::CLOCK_MONOTONIC), None);
        assert_eq!(whose(libc::CLOCK_PROCESS_CPUTIME_ID), Some(Whose::Process));
        assert_eq!(whose(libc::CLOCK_THREAD_CPUTIME_ID), Some(Whose::Caller));
        // As pthread_getcpuclockid and clock_getcpuclockid make them (2: CPUCLOCK_SCHED).
        let of_thread = |tid: i32| (!tid << 3) | 4 | 2;
        let of_process = |pid: i32| (!pid << 3) | 2;
        assert_eq!(whose(of_thread(71)), Some(Whose::Thread(71)));
        assert_eq!(whose(of_thread(0)), Some(Whose::Caller));
        assert_eq!(whose(of_process(70)), Some(Whose::Process));
        assert_eq!(whose(of_process(0)), Some(Whose::Process));
        assert_eq!(whose(of_process(71)), None);
        // A clock that is file 5.
        assert_eq!(whose((!5 << 3) | 3), None);
    }

    #[test]
    fn time_is_added_with_its_carry() {
        let add = |reading: Reading, words: [u64; 2], ns| {
            let mut bytes: Vec<u8> = words.iter().flat_map(|w| w.to_ne_bytes()).collect();
            reading.add(&mut bytes[..reading.bytes()], ns);
            [0, 8].map(|i| u64::from_ne_bytes(bytes[i..i + 8].try_into().unwrap()))
        };
        let spec = clock(libc::CLOCK_THREAD_CPUTIME_ID).unwrap();
        assert_eq!(add(spec, [3, 999_999_999], 1), [4, 0]);
        let usage = reading(libc::SYS_getrusage, &[0, 8, 0, 0, 0, 0], 70).unwrap();
        assert_eq!(add(usage, [3, 999_998], 2_001_999), [4, 1_999]);
        let ticks = reading(libc::SYS_times, &[8, 0, 0, 0, 0, 0], 70).unwrap();
        assert_eq!(add(ticks, [3, 9], 29_999_999), [5, 9]);
    }

    #[test]
    fn timers_and_limits_are_known() {
        let what =
            |nr, first: i32, second: i32| cpu_time(nr, &[first as u64, second as u64, 0, 0, 0, 0]);
        let timer = Some(CpuTime::Timer);
        assert_eq!(what(libc::SYS_setitimer, libc::ITIMER_PROF, 0), timer);
        assert_eq!(what(libc::SYS_setitimer, libc::ITIMER_REAL, 0), None);
        assert_eq!(what(libc::SYS_timer_create, -6, 0), timer);
        assert_eq!(what(libc::SYS_timer_create, libc::CLOCK_MONOTONIC, 0), None);
        assert_eq!(what(libc::SYS_clock_nanosleep, 2, 0), timer);
        assert_eq!(what(libc::SYS_prlimit64, 0, 0), timer);
        assert_eq!(what(libc::SYS_prlimit64, 0, 1), None);
        assert_eq!(what(libc::SYS_getrusage, libc::RUSAGE_CHILDREN, 0), None);
    }
}
