//! The agent: runs in the machine and does what the test asks for.

use std::fs;
use std::io::{self, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::wire::{Reply, Request, bytes, hear, say};

/// Serves for ever.
pub fn serve(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", port))?;
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || {
            // The test sees that the connection broke.
            let _ = answer(&stream);
        });
    }
    Ok(())
}

fn answer(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut from = BufReader::new(stream);
    let mut to = stream;
    let done = match hear(&mut from)? {
        Request::Put {
            path,
            mode,
            bytes: count,
        } => bytes(&mut from, count).and_then(|bytes| put(Path::new(&path), mode, &bytes)),
        Request::Start { argv, output } => start(&argv, &output),
        Request::Run {
            argv,
            environment,
            directory,
            limit_s,
        } => match run(&argv, environment, &directory, Duration::from_secs(limit_s)) {
            Ok(end) => return tell(&mut to, end),
            Err(e) => Err(e),
        },
    };
    match done {
        Ok(()) => say(&mut to, &Reply::Done),
        Err(e) => say(&mut to, &Reply::Failed(e.to_string())),
    }
}

fn put(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    fs::write(path, bytes)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

fn start(argv: &[String], output: &str) -> io::Result<()> {
    let log = fs::File::create(output)?;
    let mut command = command(argv)?;
    command.stdout(log.try_clone()?).stderr(log).spawn()?;
    Ok(())
}

struct End {
    status: ExitStatus,
    timed_out: bool,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

fn run(
    argv: &[String],
    environment: Vec<(String, String)>,
    directory: &str,
    limit: Duration,
) -> io::Result<End> {
    fs::create_dir_all(directory)?;
    let mut command = command(argv)?;
    command.envs(environment).current_dir(directory);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let stdout = thread::spawn(move || read(out));
    let stderr = thread::spawn(move || read(err));
    let (status, timed_out) = wait(&mut child, limit)?;
    let read = |thread: thread::JoinHandle<io::Result<Vec<u8>>>| {
        let read = thread.join();
        read.unwrap_or_else(|_| Err(io::Error::other("a reader panicked")))
    };
    Ok(End {
        status,
        timed_out,
        stdout: read(stdout)?,
        stderr: read(stderr)?,
    })
}

/// A program without input that leads a process group.
fn command(argv: &[String]) -> io::Result<Command> {
    let (program, args) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).process_group(0);
    Ok(command)
}

fn read(from: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.expect("it is piped").read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn wait(child: &mut Child, limit: Duration) -> io::Result<(ExitStatus, bool)> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((status, false));
        }
        if begin.elapsed() > limit {
            killpg(Pid::from_raw(child.id() as i32), Signal::SIGKILL)?;
            return Ok((child.wait()?, true));
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn tell(to: &mut impl Write, end: End) -> io::Result<()> {
    let reply = Reply::Ran {
        code: end.status.code(),
        signal: end.status.signal(),
        timed_out: end.timed_out,
        stdout: end.stdout.len() as u64,
        stderr: end.stderr.len() as u64,
    };
    say(to, &reply)?;
    to.write_all(&end.stdout)?;
    to.write_all(&end.stderr)
}
