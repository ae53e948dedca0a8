//! Booting the machine and talking to it.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};

use super::built::{commands, prepare};
use super::image;
use super::wire::{PORT, Reply, Request, bytes, hear, say};
use crate::checkout;
use crate::outcome::{Status, shortened};

/// The machine's address in the network that it shares with the test.
pub const ADDRESS: &str = "10.77.0.2";
/// The test's.
const OURS: &str = "10.77.0.1";
/// Until the agent answers; a real start takes 3 s, on a busy machine much longer.
const BOOT: Duration = Duration::from_secs(300);
/// How long a program in it may take before it counts as hanging.
const LIMIT: Duration = Duration::from_secs(600);

/// Makes the network, runs the emulator, and ends it when its own input ends: with this process.
const HOLDER: &str = r#"
ip link set lo up && ip tuntap add tap0 mode tap && ip addr add OURS/24 dev tap0 && ip link set tap0 up || exit 1
"$@" </dev/null &
pid=$!
cat >/dev/null
kill $pid
wait $pid
"#;

/// An emulated machine.
pub struct Machine {
    holder: Mutex<Child>,
    network: File,
    console: Arc<Mutex<Vec<u8>>>,
}

/// What a program in the machine left.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    pub status: Status,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    command: String,
}

impl Machine {
    /// The machine of this process; booted when it is first asked for.
    pub fn shared() -> &'static Machine {
        static SHARED: OnceLock<Machine> = OnceLock::new();
        SHARED.get_or_init(Machine::boot)
    }

    fn boot() -> Machine {
        assert!(
            nix::unistd::geteuid().is_root(),
            "the ARM64 testbed makes a network namespace and a tap device: run it as root"
        );
        prepare(&checkout::root().join("tests/deps-arm64.sh"), &[]);
        let bed = checkout::root().join("target/arm64/testbed");
        let image = bed.join(format!("image.{}", std::process::id()));
        std::fs::write(&image, image::build(&bed, &commands())).expect("the image is written");
        let mut holder = Command::new("unshare")
            .args(["--net", "sh", "-c", &HOLDER.replace("OURS", OURS), "holder"])
            .args(emulator(&bed, &image))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("unshare runs");
        let console = Arc::new(Mutex::new(Vec::new()));
        let (output, text) = (holder.stdout.take().expect("piped"), console.clone());
        thread::spawn(move || collect(output, &text));
        let network = own_network(holder.id());
        let machine = Machine {
            holder: Mutex::new(holder),
            network,
            console,
        };
        machine.await_agent();
        std::fs::remove_file(&image).expect("the image can be removed");
        machine
    }

    fn await_agent(&self) {
        let begin = Instant::now();
        while self.connect().is_err() {
            let ended = self.holder.lock().expect("no panic").try_wait();
            assert!(
                begin.elapsed() < BOOT && matches!(ended, Ok(None)),
                "the ARM64 machine does not answer; its console says:\n{}",
                self.console()
            );
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// What it wrote to its console.
    pub fn console(&self) -> String {
        shortened(&self.console.lock().expect("no panic"))
    }

    /// Does something in the network that the machine is in.
    pub fn in_network<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            setns(&self.network, CloneFlags::CLONE_NEWNET).expect("the network can be entered");
            work()
        };
        thread::scope(|scope| match scope.spawn(inside).join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }

    fn connect(&self) -> std::io::Result<TcpStream> {
        let address: SocketAddr = format!("{ADDRESS}:{PORT}").parse().expect("an address");
        self.in_network(|| TcpStream::connect_timeout(&address, Duration::from_secs(2)))
    }

    fn ask(&self, request: &Request, payload: &[u8]) -> (Reply, Vec<u8>, Vec<u8>) {
        self.try_asking(request, payload).unwrap_or_else(|e| {
            let console = self.console();
            panic!("the ARM64 machine: {e} at {request:?}; its console says:\n{console}")
        })
    }

    fn try_asking(
        &self,
        request: &Request,
        payload: &[u8],
    ) -> std::io::Result<(Reply, Vec<u8>, Vec<u8>)> {
        let mut stream = self.connect()?;
        stream.set_read_timeout(Some(LIMIT + BOOT))?;
        say(&mut stream, request)?;
        stream.write_all(payload)?;
        let mut from = BufReader::new(stream);
        let reply = hear(&mut from)?;
        let (stdout, stderr) = match &reply {
            Reply::Ran { stdout, stderr, .. } => {
                (bytes(&mut from, *stdout)?, bytes(&mut from, *stderr)?)
            }
            Reply::Failed(why) => return Err(std::io::Error::other(why.clone())),
            Reply::Done => (Vec::new(), Vec::new()),
        };
        Ok((reply, stdout, stderr))
    }

    /// Writes a file.
    pub fn put(&self, path: &Path, mode: u32, content: &[u8]) {
        let request = Request::Put {
            path: path.to_str().expect("a plain path").to_owned(),
            mode,
            bytes: content.len() as u64,
        };
        self.ask(&request, content);
    }

    /// Writes a file of ours, at the same path.
    pub fn copy(&self, path: &Path) {
        use std::os::unix::fs::PermissionsExt;
        let content = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let metadata = std::fs::metadata(path).expect("it has just been read");
        self.put(path, metadata.permissions().mode() & 0o777, &content);
    }

    /// Runs a program to its end.
    pub fn run<S: ToString>(&self, argv: impl IntoIterator<Item = S>) -> Ran {
        self.run_with(argv, &[], LIMIT)
    }

    /// Runs a program with these variables; fails if it takes longer than `limit`.
    pub fn run_with<S: ToString>(
        &self,
        argv: impl IntoIterator<Item = S>,
        environment: &[(&str, &str)],
        limit: Duration,
    ) -> Ran {
        let argv: Vec<String> = argv.into_iter().map(|arg| arg.to_string()).collect();
        let command = argv.join(" ");
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let request = Request::Run {
            argv,
            environment: environment.iter().map(own).collect(),
            directory: "/tmp/work".to_owned(),
            limit_s: limit.as_secs(),
        };
        let (reply, stdout, stderr) = self.ask(&request, &[]);
        let Reply::Ran {
            code,
            signal,
            timed_out,
            ..
        } = reply
        else {
            panic!("{command}: another reply: {reply:?}");
        };
        let status = signal.map_or_else(
            || Status::Exited(code.expect("neither exit nor signal")),
            Status::Killed,
        );
        let ran = Ran {
            status,
            stdout,
            stderr,
            command,
        };
        assert!(!timed_out, "killed after {limit:?}:\n{ran}");
        ran
    }

    /// Waits until somebody in the machine listens.
    pub fn await_port(&self, port: u16) {
        let address: SocketAddr = format!("{ADDRESS}:{port}").parse().expect("an address");
        let begin = Instant::now();
        let try_it = || TcpStream::connect_timeout(&address, Duration::from_secs(2));
        while self.in_network(try_it).is_err() {
            assert!(
                begin.elapsed() < BOOT,
                "nobody listens on port {port} of the ARM64 machine"
            );
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Starts a program that stays; what it writes goes to a file in the machine.
    pub fn start(&self, argv: &[&str], output: &str) {
        let request = Request::Start {
            argv: argv.iter().map(|arg| (*arg).to_owned()).collect(),
            output: output.to_owned(),
        };
        self.ask(&request, &[]);
    }
}

impl Ran {
    /// Fails unless it ended with status 0.
    #[track_caller]
    pub fn succeeded(&self) -> &Self {
        assert_eq!(self.status, Status::Exited(0), "{self}");
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (out, err) = (shortened(&self.stdout), shortened(&self.stderr));
        let (command, status) = (&self.command, self.status);
        write!(
            f,
            "--- {command}\n--- ended: {status:?}\n--- stdout:\n{out}--- stderr:\n{err}---"
        )
    }
}

fn emulator(bed: &Path, image: &Path) -> Vec<String> {
    let boot = std::fs::read_dir(bed.join("kernel/boot")).expect("there is a kernel");
    let paths = boot.map(|entry| entry.expect("it can be listed").path());
    let is_kernel = |path: &PathBuf| path.to_string_lossy().contains("/vmlinuz-");
    let kernel = paths
        .into_iter()
        .find(is_kernel)
        .expect("there is a kernel");
    let words = "qemu-system-aarch64 -M virt,gic-version=3 -cpu cortex-a72 -accel tcg,thread=multi -smp 2 -m 2G \
                 -display none -no-reboot -serial stdio -monitor none \
                 -netdev tap,id=net,ifname=tap0,script=no,downscript=no -device virtio-net-pci,netdev=net,romfile=";
    let mut all: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    let path = |path: &Path| path.to_string_lossy().into_owned();
    all.extend(["-kernel".to_owned(), path(&kernel)]);
    all.extend(["-initrd".to_owned(), path(image)]);
    all.extend(["-append", "console=ttyAMA0 quiet panic=-1"].map(str::to_owned));
    all
}

fn collect(mut output: impl Read, text: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = output.read(&mut buffer) {
        text.lock()
            .expect("no panic")
            .extend_from_slice(&buffer[..n]);
    }
}

/// The network of a process that makes one of its own.
fn own_network(pid: u32) -> File {
    let ours = std::fs::read_link("/proc/self/ns/net").expect("there are namespaces");
    let begin = Instant::now();
    loop {
        let path = format!("/proc/{pid}/ns/net");
        if std::fs::read_link(&path).is_ok_and(|theirs| theirs != ours) {
            return File::open(path).expect("the network can be opened");
        }
        assert!(begin.elapsed() < BOOT, "unshare makes no network");
        thread::sleep(Duration::from_millis(10));
    }
}
