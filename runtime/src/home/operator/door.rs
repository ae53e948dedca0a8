//! The socket by which an operator reaches a job: unix(7), in the abstract namespace, so that nothing of it
//! is left behind, named after the user and the process id of `rtx-run`. Both ends look who the other is
//! (SO_PEERCRED): only the job's own user and root are served, and only their job is asked.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::{Uid, getuid};

use super::{Asked, Reply, Request};
use crate::home::job::Control;
use crate::home::messages::ToSupervisor;

/// Operators that are served at a time.
const MOST: usize = 8;
/// Bytes of a request.
const LONGEST: u64 = 64 << 10;

/// The name of a job's door; `pid` is that of its `rtx-run`.
pub fn name(user: Uid, pid: i32) -> String {
    format!("rtx-run/{user}/{pid}")
}

/// The jobs of this machine's network namespace that have a door: users and process ids.
pub fn all() -> io::Result<Vec<(Uid, i32)>> {
    let text = std::fs::read_to_string("/proc/net/unix")?;
    let mut jobs: Vec<(Uid, i32)> = text.lines().filter_map(listed).collect();
    jobs.sort_unstable_by_key(|(user, pid)| (user.as_raw(), *pid));
    jobs.dedup();
    Ok(jobs)
}

/// The job of a line of /proc/net/unix (proc_net_unix(5)).
fn listed(line: &str) -> Option<(Uid, i32)> {
    let (_, rest) = line.split_once(" @rtx-run/")?;
    let (user, pid) = rest.split_once('/')?;
    Some((Uid::from_raw(user.parse().ok()?), pid.parse().ok()?))
}

/// Opens the door of this process's job; a thread of its own serves it for as long as the process lives.
pub fn open(control: Control) -> io::Result<()> {
    let name = name(getuid(), std::process::id() as i32);
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(name)?)?;
    let serve = move || {
        let inside = Arc::new(AtomicUsize::new(0));
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // Descriptors are short: whoever came is served later.
                std::thread::sleep(std::time::Duration::from_millis(100));
                continue;
            };
            let allowed = peer(&stream).is_ok_and(|user| user.is_root() || user == getuid());
            if !allowed || inside.fetch_add(1, Ordering::Relaxed) >= MOST {
                if allowed {
                    inside.fetch_sub(1, Ordering::Relaxed);
                }
                continue;
            }
            let (control, counted) = (control.clone(), inside.clone());
            let served = std::thread::Builder::new()
                .name("rtx-operator".into())
                .spawn(move || {
                    // Whoever goes away has heard enough.
                    let _ = converse(stream, &control);
                    counted.fetch_sub(1, Ordering::Relaxed);
                });
            if served.is_err() {
                inside.fetch_sub(1, Ordering::Relaxed);
            }
        }
    };
    std::thread::Builder::new()
        .name("rtx-door".into())
        .spawn(serve)
        .map(drop)
}

/// Answers requests until there are no more.
fn converse(stream: UnixStream, control: &Control) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if lines.by_ref().take(LONGEST).read_line(&mut line)? == 0 {
            return Ok(());
        }
        let answer = match serde_json::from_str::<Request>(&line) {
            Ok(request) => {
                let (reply, heard) = channel();
                control.send(ToSupervisor::Asked(Asked { request, reply }));
                // A job that ends drops what it has not answered.
                heard
                    .recv()
                    .unwrap_or_else(|_| Reply::Refused("the job has ended".into()))
            }
            Err(e) => Reply::Refused(format!("the request is not understood: {e}")),
        };
        let mut text = serde_json::to_string(&answer)?;
        text.push('\n');
        stream.write_all(text.as_bytes())?;
    }
}

/// Whether the other end has closed the connection before it took what was written, or while that was being written.
fn is_closed(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}

/// The user at the other end.
fn peer(stream: &UnixStream) -> io::Result<Uid> {
    Ok(Uid::from_raw(getsockopt(stream, PeerCredentials)?.uid()))
}

/// The way to a job.
pub struct Visit {
    lines: BufReader<UnixStream>,
    stream: UnixStream,
}

impl Visit {
    /// Goes to the job of `user` that the process `pid` runs.
    pub fn to(user: Uid, pid: i32) -> io::Result<Visit> {
        let address = SocketAddr::from_abstract_name(name(user, pid))?;
        let stream = UnixStream::connect_addr(&address)?;
        let owner = peer(&stream)?;
        if owner != user && !owner.is_root() {
            let why = format!("the socket is of user {owner}, not of {user}");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        Ok(Visit {
            lines: BufReader::new(stream.try_clone()?),
            stream,
        })
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, request: &Request) -> io::Result<Reply> {
        let mut text = serde_json::to_string(request)?;
        text.push('\n');
        match self.exchange(&text) {
            Ok(line) if !line.is_empty() => Ok(serde_json::from_str(&line)?),
            Err(e) if !is_closed(e.kind()) => Err(e),
            _ => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the job has ended, or serves other operators",
            )),
        }
    }

    /// The answer; empty: there is none.
    fn exchange(&mut self, text: &str) -> io::Result<String> {
        self.stream.write_all(text.as_bytes())?;
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_listed_by_their_sockets() {
        let line = "0000000000000000: 00000002 00000000 00010000 0001 01 93124 @rtx-run/1000/4711";
        assert_eq!(listed(line), Some((Uid::from_raw(1000), 4711)));
        for other in [
            "",
            "0: 2 0 1 1 1 9 /run/x",
            "0: 2 0 1 1 1 9 @rtx-run/a/b",
            "0: 2 0 1 1 1 9 @rtx-run/7",
        ] {
            assert_eq!(listed(other), None);
        }
    }
}
