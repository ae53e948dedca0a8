//! What /proc says about processes. A process may end at any moment, so everything is optional.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use nix::sys::signal::Signal;

/// The state of a listening socket in /proc/net/tcp.
const LISTEN: &str = "0A";

/// A process, as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// Its name, at most 15 bytes.
    pub name: String,
    /// `R`, `S`, `D`, `T` (stopped), `t` (traced), `Z` (zombie) or `X`.
    pub state: char,
    /// Its parent.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
}

impl Process {
    /// Looks at a process.
    pub fn find(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in parentheses and may contain any character.
        let (start, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        Some(Self {
            pid,
            name: start.split_once('(')?.1.to_owned(),
            state: fields.next()?.chars().next()?,
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
            session: fields.next()?.parse().ok()?,
        })
    }

    /// All processes, those that only wait to be reaped excepted.
    pub fn all() -> Vec<Self> {
        let living = |process: &Self| !matches!(process.state, 'Z' | 'X');
        pids().filter_map(Self::find).filter(living).collect()
    }

    /// Whether the process was started with this variable (`NAME=VALUE`) in its environment.
    pub fn has_variable(&self, variable: &str) -> bool {
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|entry| entry == variable.as_bytes())
    }

    /// Whether somebody traces its first thread.
    pub fn is_traced(&self) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid));
        status.is_ok_and(|status| !status.contains("TracerPid:\t0\n"))
    }

    /// The file that it executes.
    pub fn program(&self) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{}/exe", self.pid)).ok()
    }

    /// Its open file descriptors.
    pub fn open_files(&self) -> BTreeSet<i32> {
        numbers(&format!("/proc/{}/fd", self.pid)).collect()
    }

    /// A TCP port (IPv4) on which it listens.
    pub fn listens_on(&self) -> Option<u16> {
        let files = fs::read_dir(format!("/proc/{}/fd", self.pid))
            .ok()?
            .flatten();
        let links = files.filter_map(|file| fs::read_link(file.path()).ok());
        let sockets: Vec<String> = links
            .filter_map(|link| {
                let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
                Some(inode.to_owned())
            })
            .collect();
        let table = fs::read_to_string(format!("/proc/{}/net/tcp", self.pid)).ok()?;
        table.lines().skip(1).find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (_, port) = fields.get(1)?.split_once(':')?;
            let own = sockets
                .iter()
                .any(|inode| Some(&inode.as_str()) == fields.get(9));
            let listens = own && *fields.get(3)? == LISTEN;
            listens
                .then(|| u16::from_str_radix(port, 16).ok())
                .flatten()
        })
    }

    /// Its threads.
    pub fn threads(&self) -> BTreeSet<i32> {
        numbers(&format!("/proc/{}/task", self.pid)).collect()
    }

    /// Whether one of its threads blocks a signal; `None`: the thread has ended.
    pub fn blocks(&self, thread: i32, signal: Signal) -> Option<bool> {
        let path = format!("/proc/{}/task/{thread}/status", self.pid);
        let text = fs::read_to_string(path).ok()?;
        let line = text.lines().find_map(|l| l.strip_prefix("SigBlk:"))?;
        let mask = u64::from_str_radix(line.trim(), 16).ok()?;
        Some(mask & (1 << (signal as i32 - 1)) != 0)
    }

    /// Resident memory (VmRSS) in bytes.
    pub fn resident(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    }

    /// Its mappings.
    pub fn mappings(&self) -> Vec<Mapping> {
        let text = fs::read_to_string(format!("/proc/{}/maps", self.pid)).unwrap_or_default();
        text.lines().filter_map(Mapping::parse).collect()
    }
}

/// One line of /proc/PID/maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The first address.
    pub start: u64,
    /// The address after the last.
    pub end: u64,
    /// Whether writes reach other processes that map the same object.
    pub shared: bool,
    /// Whether it can be written.
    pub writable: bool,
    /// The object mapped, as `DEVICE:INODE`; `00:00:0` is anonymous memory.
    pub object: String,
    /// Its name, if any.
    pub name: String,
}

impl Mapping {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let permissions = fields.next()?;
        let (_offset, device, inode) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Self {
            start: u64::from_str_radix(start, 16).ok()?,
            end: u64::from_str_radix(end, 16).ok()?,
            shared: permissions.ends_with('s'),
            writable: permissions.contains('w'),
            object: format!("{device}:{inode}"),
            name: fields.next().unwrap_or_default().to_owned(),
        })
    }

    /// Whether it is memory without a file.
    pub fn is_anonymous(&self) -> bool {
        self.object == "00:00:0"
    }
}

/// The numbers of all processes.
fn pids() -> impl Iterator<Item = i32> {
    numbers("/proc")
}

/// The entries of a directory that are numbers; none if the directory is gone.
fn numbers(directory: &str) -> impl Iterator<Item = i32> + use<> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether somebody in the network namespace of this process listens on this TCP port (IPv4).
pub fn is_listening(pid: i32, port: u16) -> bool {
    let table = fs::read_to_string(format!("/proc/{pid}/net/tcp")).unwrap_or_default();
    table.lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let local = fields.next().and_then(|address| address.split_once(':'));
        let is_port = local.is_some_and(|(_, hex)| u16::from_str_radix(hex, 16) == Ok(port));
        is_port && fields.nth(1) == Some(LISTEN)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_finds_itself() {
        let own = Process::find(nix::unistd::getpid().as_raw()).expect("it runs");
        assert!(Process::all().iter().any(|process| process.pid == own.pid));
        assert!(own.open_files().contains(&1));
        assert!(!own.threads().is_empty());
        assert!(own.resident().is_some_and(|bytes| bytes > 100_000));
        assert!(
            own.mappings()
                .iter()
                .any(|mapping| mapping.name == "[stack]")
        );
        assert_eq!(own.program(), std::env::current_exe().ok());
    }

    #[test]
    fn listening_ports_are_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
        let port = listener.local_addr().expect("an address").port();
        let own = nix::unistd::getpid().as_raw();
        assert!(is_listening(own, port));
        let process = Process::find(own).expect("it runs");
        assert!(process.listens_on().is_some());
        drop(listener);
        assert!(!is_listening(own, port));
    }
}
