//! What `/proc` says about a process and its threads. All of these may fail with "not found" or
//! ESRCH when the thread ends meanwhile.

use std::fs::{self, File};
use std::io::{self, Read};

use super::ptrace::Tid;
use super::stub::PAGE_SIZE;

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("cannot parse {what}"))
}

/// A file of /proc that is read again and again. The kernel writes such a file as a whole into what a read brings, so
/// that one read shows all that fits; std's reading begins with 32 bytes and takes eight calls for it.
pub fn text(path: &str) -> io::Result<String> {
    let mut buffer = [0; 4096];
    let mut file = File::open(path)?;
    let length = loop {
        match file.read(&mut buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            read => break read?,
        }
    };
    let mut bytes = buffer[..length].to_vec();
    if length == buffer.len() {
        file.read_to_end(&mut bytes)?;
    }
    // A name in it may be anything.
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => String::from_utf8_lossy(e.as_bytes()).into_owned(),
    })
}

/// The threads of a process, ascending.
pub fn threads(pid: Tid) -> io::Result<Vec<Tid>> {
    let mut tids = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        if let Some(tid) = entry?.file_name().to_str().and_then(|n| n.parse().ok()) {
            tids.push(tid);
        }
    }
    tids.sort_unstable();
    Ok(tids)
}

/// (CPU time, time spent runnable but waiting for a CPU) of a thread, in nanoseconds
/// (/proc/PID/task/TID/schedstat; zero on kernels without CONFIG_SCHED_INFO).
pub fn cpu_ns(pid: Tid, tid: Tid) -> io::Result<(u64, u64)> {
    let text = text(&format!("/proc/{pid}/task/{tid}/schedstat"))?;
    let mut fields = text.split_ascii_whitespace().map(str::parse::<u64>);
    match (fields.next(), fields.next()) {
        (Some(Ok(run)), Some(Ok(wait))) => Ok((run, wait)),
        _ => Err(bad("schedstat")),
    }
}

/// How often a thread has given up its core by itself, and how often it was preempted (proc(5), status).
pub fn switches(pid: Tid, tid: Tid) -> io::Result<(u64, u64)> {
    let text = text(&format!("/proc/{pid}/task/{tid}/status"))?;
    parse_switches(&text).ok_or_else(|| bad("status"))
}

fn parse_switches(text: &str) -> Option<(u64, u64)> {
    let field = |name: &str| {
        let line = text.lines().rev().find_map(|line| line.strip_prefix(name));
        line?.trim().parse().ok()
    };
    Some((
        field("voluntary_ctxt_switches:")?,
        field("nonvoluntary_ctxt_switches:")?,
    ))
}

/// Bytes of memory that the process of a thread has in use; 0 if the thread has ended (proc(5), statm).
pub fn resident(pid: Tid, tid: Tid) -> io::Result<u64> {
    let text = text(&format!("/proc/{pid}/task/{tid}/statm"))?;
    let pages: Option<u64> = text.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages
        .map(|pages| pages * PAGE_SIZE)
        .ok_or_else(|| bad("statm"))
}

/// The state letter of a thread (proc(5), stat: R running, S sleeping, ...).
pub fn state(pid: Tid, tid: Tid) -> io::Result<char> {
    let text = text(&format!("/proc/{pid}/task/{tid}/stat"))?;
    let state = after_name(&text).and_then(|rest| rest.chars().next());
    state.ok_or_else(|| bad("stat"))
}

/// What is seen of a thread at a glance (proc(5), stat).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// The state letter.
    pub state: char,
    /// The core it runs, or ran last, on.
    pub core: u32,
    /// The kernel's own.
    pub kernel: bool,
    /// Threads of its process.
    pub threads: u32,
}

/// Glances at a thread.
pub fn glance(pid: Tid, tid: Tid) -> io::Result<Glance> {
    /// include/linux/sched.h
    const PF_KTHREAD: u32 = 0x0020_0000;
    let text = text(&format!("/proc/{pid}/task/{tid}/stat"))?;
    // The first after the name is the third field of the manual page.
    let mut fields = after_name(&text)
        .unwrap_or_default()
        .split_ascii_whitespace();
    let glance = (|| {
        let state = fields.next()?.chars().next()?;
        let flags: u32 = fields.nth(5)?.parse().ok()?;
        let threads = fields.nth(10)?.parse().ok()?;
        let core = fields.nth(18)?.parse().ok()?;
        Some(Glance {
            state,
            core,
            kernel: flags & PF_KTHREAD != 0,
            threads,
        })
    })();
    glance.ok_or_else(|| bad("stat"))
}

/// The name of a thread and its state letter (proc(5), stat).
pub fn name_and_state(pid: Tid, tid: Tid) -> io::Result<(String, char)> {
    let text = text(&format!("/proc/{pid}/task/{tid}/stat"))?;
    let name = text.find('(').zip(text.rfind(')'));
    let name = name.and_then(|(begin, end)| text.get(begin + 1..end));
    let state = after_name(&text).and_then(|rest| rest.chars().next());
    name.map(str::to_owned)
        .zip(state)
        .ok_or_else(|| bad("stat"))
}

/// The stack pointer of a thread that sleeps or is stopped, in a call or not. `None`: it runs.
pub fn stack_pointer(pid: Tid, tid: Tid) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{tid}/syscall")).ok()?;
    parse_stack_pointer(&text)
}

/// Of `NUMBER [ARGUMENTS] STACK-POINTER PROGRAM-COUNTER` or `running`.
fn parse_stack_pointer(text: &str) -> Option<u64> {
    let mut from_last = text.split_ascii_whitespace().rev();
    let sp = from_last.nth(1)?;
    u64::from_str_radix(sp.strip_prefix("0x")?, 16).ok()
}

/// The call in which a thread waits: its number and arguments. `None`: it waits in none.
pub fn waits_in(pid: Tid, tid: Tid) -> Option<(i64, [u64; 6])> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{tid}/syscall")).ok()?;
    parse_call(&text)
}

/// Of `NUMBER ARGUMENTS STACK-POINTER PROGRAM-COUNTER`. `None`: it is in no call (-1), or runs.
fn parse_call(text: &str) -> Option<(i64, [u64; 6])> {
    let mut fields = text.split_ascii_whitespace();
    let nr = fields.next()?.parse().ok().filter(|nr| *nr >= 0)?;
    let mut args = [0; 6];
    for arg in &mut args {
        *arg = u64::from_str_radix(fields.next()?.strip_prefix("0x")?, 16).ok()?;
    }
    Some((nr, args))
}

/// Where a thread's program begins in memory (getauxval(3), AT_ENTRY).
pub fn entry_point(tid: Tid) -> io::Result<u64> {
    let bytes = fs::read(format!("/proc/{tid}/auxv"))?;
    let word = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().expect("chunks of 8"));
    let mut pairs = bytes.chunks_exact(16);
    let entry = pairs.find(|pair| word(&pair[..8]) == libc::AT_ENTRY);
    entry
        .map(|pair| word(&pair[8..]))
        .ok_or_else(|| bad("auxv"))
}

/// Whether a thread has ended. Its tracer hears of the end of a process's first thread only once all
/// others have ended too, or one of them has executed a program.
pub fn has_ended(pid: Tid, tid: Tid) -> bool {
    ended_or(state(pid, tid), "")
}

/// Whether a thread has ended or is in one of `states`. A state that cannot be read for another reason,
/// such as a want of descriptors, says nothing about it.
fn ended_or(state: io::Result<char>, states: &str) -> bool {
    match state {
        Ok(state) => matches!(state, 'Z' | 'X') || states.contains(state),
        Err(e) => e.kind() == io::ErrorKind::NotFound || e.raw_os_error() == Some(libc::ESRCH),
    }
}

/// Waits until a thread that is ending has ended, as far as its memory goes: it is a zombie, or gone,
/// or (the first thread) another one that executes a program has taken its place, and stopped for it.
pub fn await_end(pid: Tid, tid: Tid) {
    while !ended_or(state(pid, tid), "t") {
        std::thread::sleep(std::time::Duration::from_micros(20));
    }
}

/// The thread that traces a thread; 0: none does.
pub fn tracer(pid: Tid, tid: Tid) -> io::Result<Tid> {
    let text = text(&format!("/proc/{pid}/task/{tid}/status"))?;
    let line = text.lines().find_map(|l| l.strip_prefix("TracerPid:"));
    line.and_then(|v| v.trim().parse().ok())
        .ok_or_else(|| bad("status"))
}

/// When a process was started, in ticks since the machine was (proc(5), stat).
pub fn start_time(pid: Tid) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let mut fields = after_name(&text).map(str::split_ascii_whitespace);
    let field = fields.as_mut().and_then(|f| f.nth(19));
    field
        .and_then(|f| f.parse().ok())
        .ok_or_else(|| bad("stat"))
}

/// Where a process has what (proc(5), stat): addresses, the ends behind the last byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    pub start_code: u64,
    pub end_code: u64,
    pub start_stack: u64,
    pub start_data: u64,
    pub end_data: u64,
    pub start_brk: u64,
    pub arg_start: u64,
    pub arg_end: u64,
    pub env_start: u64,
    pub env_end: u64,
}

/// Reads the layout of a process's memory, by any of its threads.
pub fn layout(pid: Tid) -> io::Result<Layout> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The first after the name is the third field of the manual page.
    let fields: Vec<&str> = after_name(&text)
        .map(|rest| rest.split_ascii_whitespace().collect())
        .unwrap_or_default();
    let field = |number: usize| {
        let value = fields.get(number - 3).and_then(|f| f.parse().ok());
        value.ok_or_else(|| bad("stat"))
    };
    Ok(Layout {
        start_code: field(26)?,
        end_code: field(27)?,
        start_stack: field(28)?,
        start_data: field(45)?,
        end_data: field(46)?,
        start_brk: field(47)?,
        arg_start: field(48)?,
        arg_end: field(49)?,
        env_start: field(50)?,
        env_end: field(51)?,
    })
}

/// The fields after the name, which is in parentheses and may contain anything.
fn after_name(stat: &str) -> Option<&str> {
    Some(stat[stat.rfind(')')? + 1..].trim_start())
}

/// Which signals a process catches and ignores, bit `n - 1` for signal `n`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dispositions {
    /// It has a handler.
    pub caught: u64,
    /// It ignores them.
    pub ignored: u64,
}

/// Reads the dispositions from /proc/PID/status.
pub fn dispositions(pid: Tid) -> io::Result<Dispositions> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let mask = |key: &str| {
        let line = text.lines().find_map(|l| l.strip_prefix(key));
        line.and_then(|v| u64::from_str_radix(v.trim(), 16).ok())
            .ok_or_else(|| bad(key))
    };
    Ok(Dispositions {
        caught: mask("SigCgt:")?,
        ignored: mask("SigIgn:")?,
    })
}

/// Whether a process's CPU time is limited (RLIMIT_CPU; /proc/PID/limits).
pub fn has_cpu_limit(pid: Tid) -> bool {
    let text = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("Max cpu time"));
    line.is_some_and(|values| {
        values
            .split_ascii_whitespace()
            .take(2)
            .any(|v| v != "unlimited")
    })
}

/// Whether a process has a timer on a CPU-time clock (timer_create(2); /proc/PID/timers, which
/// kernels without CONFIG_CHECKPOINT_RESTORE do not have).
pub fn has_cpu_timer(pid: Tid) -> bool {
    let text = fs::read_to_string(format!("/proc/{pid}/timers")).unwrap_or_default();
    let clocks = text.lines().filter_map(|l| l.strip_prefix("ClockID:"));
    clocks
        .filter_map(|v| v.trim().parse().ok())
        .any(crate::calls::counts_cpu_time)
}

/// How many seccomp filters a thread is under (/proc/TID/status).
pub fn filters(tid: Tid) -> io::Result<u32> {
    let text = fs::read_to_string(format!("/proc/{tid}/status"))?;
    let line = text
        .lines()
        .find_map(|l| l.strip_prefix("Seccomp_filters:"));
    line.and_then(|v| v.trim().parse().ok())
        .ok_or_else(|| bad("status"))
}

/// Runnable threads on this machine, waiting or running (/proc/stat, `procs_running`).
pub fn machine_runnable() -> io::Result<u32> {
    let text = text("/proc/stat")?;
    let line = text.lines().find_map(|l| l.strip_prefix("procs_running "));
    line.and_then(|v| v.trim().parse().ok())
        .ok_or_else(|| bad("/proc/stat"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_whose_state_cannot_be_read_has_not_ended() {
        let failed = |errno| ended_or(Err(io::Error::from_raw_os_error(errno)), "t");
        assert!(failed(libc::ENOENT) && failed(libc::ESRCH));
        assert!(!failed(libc::EMFILE) && !failed(libc::ENFILE));
        assert!(ended_or(Ok('Z'), "") && ended_or(Ok('t'), "t") && !ended_or(Ok('t'), ""));
    }

    #[test]
    fn a_text_is_whole_and_may_be_in_any_encoding() {
        let file = std::env::temp_dir().join(format!("rtx-text-{}", std::process::id()));
        let path = file.to_str().unwrap();
        for length in [0, 10, 4095, 4096, 4097, 20_000] {
            let mut bytes: Vec<u8> = (0..length).map(|i| b'a' + (i % 26) as u8).collect();
            fs::write(&file, &bytes).unwrap();
            assert_eq!(text(path).unwrap().as_bytes(), bytes);
            bytes.push(0xff);
            fs::write(&file, &bytes).unwrap();
            let read = text(path).unwrap();
            assert!(
                read.len() > length && read.ends_with('\u{fffd}'),
                "{length}"
            );
        }
        fs::remove_file(&file).unwrap();
        let limits = "/proc/self/limits";
        assert_eq!(text(limits).unwrap(), fs::read_to_string(limits).unwrap());
        assert_eq!(text(path).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_glance_tells_threads_from_those_of_the_kernel() {
        let me = nix::unistd::gettid().as_raw();
        let seen = glance(std::process::id() as Tid, me).unwrap();
        assert_eq!((seen.state, seen.kernel), ('R', false));
        assert!(seen.threads >= 2, "the test's own and the main one");
        // kthreadd, if it is seen here (not in a container).
        if name_and_state(2, 2).is_ok_and(|(name, _)| name == "kthreadd") {
            assert!(glance(2, 2).unwrap().kernel);
        }
    }

    #[test]
    fn a_thread_that_waits_tells_in_which_call() {
        let (say, hear) = std::sync::mpsc::channel();
        let (go, stay) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            say.send(nix::unistd::gettid().as_raw()).unwrap();
            stay.recv().unwrap_err();
        });
        let (pid, tid) = (std::process::id() as Tid, hear.recv().unwrap());
        while waits_in(pid, tid).is_none_or(|(nr, _)| nr != libc::SYS_futex) {
            std::thread::yield_now();
        }
        let sp = stack_pointer(pid, tid).unwrap();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let holds_it = |line: &str| {
            let (start, rest) = line.split_once('-').unwrap();
            let end = rest.split(' ').next().unwrap();
            let number = |text| u64::from_str_radix(text, 16).unwrap();
            (number(start)..number(end)).contains(&sp)
        };
        assert!(maps.lines().any(holds_it), "{sp:#x} is in no mapping");
        drop(go);
        thread.join().unwrap();
        assert_eq!(waits_in(pid, tid), None);
    }

    #[test]
    fn a_call_is_read_as_the_kernel_writes_it() {
        let text = "202 0x1 0x2 0x3 0x4 0x5 0x6 0x7ffd10 0x401002\n";
        assert_eq!(parse_call(text), Some((202, [1, 2, 3, 4, 5, 6])));
        let stopped = "-1 0x7ffd10 0x401002\n";
        for none in ["running\n", stopped, "", "202 0x1\n"] {
            assert_eq!(parse_call(none), None, "{none:?}");
        }
        assert_eq!(parse_stack_pointer(text), Some(0x7f_fd10));
        assert_eq!(parse_stack_pointer(stopped), Some(0x7f_fd10));
        assert_eq!(parse_stack_pointer("running\n"), None);
    }

    #[test]
    fn reads_about_itself() {
        let pid = std::process::id() as Tid;
        assert!(threads(pid).unwrap().contains(&pid));
        assert!(matches!(state(pid, pid).unwrap(), 'R' | 'S' | 'D'));
        cpu_ns(pid, pid).unwrap();
        let before = switches(pid, pid).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1));
        assert!(switches(pid, pid).unwrap() >= before);
        let uptime = fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        let started = start_time(pid).unwrap() as f64 / 100.0;
        assert!(
            started > 0.0 && started <= uptime + 1.0,
            "{started} {uptime}"
        );
        assert_eq!(tracer(pid, pid).unwrap(), 0);
        assert!(machine_runnable().unwrap() > 0);
        filters(pid).unwrap();
        let layout = layout(pid).unwrap();
        let command = fs::read("/proc/self/cmdline").unwrap();
        assert_eq!((layout.arg_end - layout.arg_start) as usize, command.len());
        assert_eq!(layout.arg_end, layout.env_start);
        // Rust's runtime ignores SIGPIPE.
        assert_ne!(
            dispositions(pid).unwrap().ignored & 1 << (libc::SIGPIPE - 1),
            0
        );
    }
}
