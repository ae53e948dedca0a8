//! Agents on other machines, started through ssh or srun, which carry three streams: a shell there gets the
//! agent's file over its standard input, runs it, and the agent gets its orders the same way.
//!
//! The agent removes its file as its first act (`rtx-board --remove`), and ends when its standard input
//! does. So nothing stays there, however the job or the connection ends.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::{ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Receiver};

/// What the shell says first.
const GREETING: &str = "rtx-start-1";

/// The script. It has no single quotes and no exclamation marks, so that any shell passes it on between
/// single quotes. It says which machine this is and which of its addresses ssh has reached, reads the
/// size and the bytes of the agent, and becomes the agent.
const SCRIPT: &str = r#"umask 077; d=$(mktemp -d "${TMPDIR:-/tmp}/rtx-board.XXXXXXXX") || exit 1; trap "rm -rf \"$d\"" EXIT; trap "exit 1" HUP INT PIPE TERM; set -- $SSH_CONNECTION; echo "rtx-start-1 $(uname -m) ${3:--}"; read -r size || exit 1; head -c "$size" > "$d/rtx-board" || exit 1; [ "$(wc -c < "$d/rtx-board")" -eq "$size" ] || exit 1; chmod 700 "$d/rtx-board" || exit 1; exec "$d/rtx-board" --job --remove "$d""#;

/// What starts something there.
pub fn by_ssh(host: &str) -> Command {
    let mut command = Command::new("ssh");
    command
        // Nobody can answer questions: the terminal is the program's.
        .args(["-T", "-o", "BatchMode=yes", "--", host])
        .arg(format!("exec /bin/sh -c '{SCRIPT}'"))
        .stderr(Stdio::piped());
    command
}

/// The same for a node of this job of SLURM.
pub fn by_srun(node: &str) -> Command {
    let mut command = Command::new("srun");
    command
        .args(["--quiet", "--nodes=1", "--ntasks=1", "--overlap"])
        .arg(format!("--nodelist={node}"))
        .args(["/bin/sh", "-c", SCRIPT])
        .stderr(Stdio::piped());
    command
}

/// The shell there has spoken.
#[derive(Debug, PartialEq, Eq)]
pub struct There {
    /// Its machine, as in `std::env::consts::ARCH`.
    pub isa: String,
    /// The address at which ssh has reached it.
    pub address: Option<IpAddr>,
}

/// Waits for the shell's first line. Others before it are a login script's.
pub fn greeted(output: &mut impl BufRead) -> io::Result<There> {
    let mut line = String::new();
    loop {
        line.clear();
        if output.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut words = line.split_whitespace();
        if words.next() != Some(GREETING) {
            continue;
        }
        let isa = words.next().unwrap_or_default();
        return Ok(There {
            isa: if isa == "arm64" { "aarch64" } else { isa }.to_owned(),
            address: words.next().and_then(|address| address.parse().ok()),
        });
    }
}

/// The file of an agent for an instruction set: this very program, or one beside it.
pub fn file_for(isa: &str) -> PathBuf {
    if isa == std::env::consts::ARCH {
        return "/proc/self/exe".into();
    }
    let here = std::env::current_exe().unwrap_or_default();
    here.with_file_name(format!("rtx-board.{isa}"))
}

/// Sends the agent's file.
pub fn send(input: &mut impl Write, mut file: File) -> io::Result<()> {
    let size = file.metadata()?.len();
    writeln!(input, "{size}")?;
    let sent = io::copy(&mut io::Read::take(&mut file, size), input)?;
    match sent == size {
        true => input.flush(),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Where an agent on a host is to listen, any free port: the address by which home can reach it.
pub fn listen_at(host: &str, there: &There) -> io::Result<SocketAddr> {
    if let Some(address) = there.address {
        return Ok((address, 0).into());
    }
    let host = host.rsplit('@').next().unwrap_or(host);
    let mut addresses = (host, 0).to_socket_addrs()?;
    addresses
        .next()
        .ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Reads what is complained of to the end, so that nobody waits to be read; sends the last line.
pub fn last_line(errors: ChildStderr) -> Receiver<String> {
    let (tell, said) = mpsc::channel();
    let thread = std::thread::Builder::new().name("rtx-start-errors".into());
    let read = move || {
        let mut last = String::new();
        for line in BufReader::new(errors).split(b'\n') {
            let Ok(line) = line else { break };
            let line = String::from_utf8_lossy(&line).trim().to_owned();
            if !line.is_empty() {
                last = line;
            }
        }
        // Nobody asks unless something went wrong.
        let _ = tell.send(last);
    };
    // Without the thread the complaint is lost, and told as an end without a word.
    let _ = thread.spawn(read);
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_can_stand_between_single_quotes() {
        assert!(!SCRIPT.contains(['\'', '!', '\n']));
        assert!(SCRIPT.contains(GREETING));
    }

    #[test]
    fn the_greeting_is_found_among_other_lines() {
        let text = "Welcome!\n\nrtx-start-1 arm64 10.0.0.3\nmore\n";
        let there = There {
            isa: "aarch64".into(),
            address: Some("10.0.0.3".parse().expect("an address")),
        };
        assert_eq!(greeted(&mut text.as_bytes()).expect("found"), there);
        let there = greeted(&mut "rtx-start-1 x86_64 -\n".as_bytes()).expect("found");
        assert_eq!((there.isa.as_str(), there.address), ("x86_64", None));
        assert!(greeted(&mut "nothing\n".as_bytes()).is_err());
    }

    #[test]
    fn agents_listen_where_ssh_has_reached_them() {
        let there = |address: Option<&str>| There {
            isa: String::new(),
            address: address.map(|a| a.parse().expect("an address")),
        };
        let at = listen_at("me@127.0.0.2", &there(None)).expect("an address");
        assert_eq!(at.to_string(), "127.0.0.2:0");
        let at = listen_at("pi", &there(Some("::1"))).expect("an address");
        assert_eq!(at.to_string(), "[::1]:0");
    }
}
