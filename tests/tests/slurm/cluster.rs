//! A cluster of Slurm on this machine, with one node: its daemons, in a directory and on ports of their own.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rtx_tests::agent::free_port;
use rtx_tests::procfs::Process;
use rtx_tests::scratch::Scratch;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// The cluster; its daemons end with it.
pub struct Cluster {
    scratch: Scratch,
    daemons: Vec<Child>,
}

impl Cluster {
    /// Starts it, and waits until its node takes jobs.
    pub fn start() -> Cluster {
        let scratch = Scratch::new();
        let mut cluster = Cluster {
            scratch,
            daemons: Vec::new(),
        };
        cluster.configure();
        let (socket, key) = (cluster.path("munge.sock"), cluster.path("munge.key"));
        let files = ["pid", "log", "seed"].map(|what| cluster.path(&format!("munged.{what}")));
        let [pid, log, seed] = files.map(|path| path.display().to_string());
        cluster.daemon(
            "munged",
            &[
                "--foreground",
                "--force",
                &format!("--socket={}", socket.display()),
                &format!("--key-file={}", key.display()),
                &format!("--pid-file={pid}"),
                &format!("--log-file={log}"),
                &format!("--seed-file={seed}"),
            ],
        );
        wait_until("munged has its socket", || socket.exists());
        cluster.daemon("slurmctld", &["-D", "-c"]);
        cluster.daemon("slurmd", &["-D", "-N", &host()]);
        wait_until("the node is idle", || {
            let output = cluster.command("sinfo", &["--noheader", "--format=%T"]);
            text(&output.stdout).trim() == "idle"
        });
        cluster
    }

    /// A file of the cluster.
    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path(name)
    }

    /// A directory for jobs.
    pub fn work(&self) -> PathBuf {
        self.scratch.work()
    }

    fn configure(&self) {
        let directory = self.scratch.path("");
        // The key's directory must be its owner's alone.
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).expect("set");
        for name in ["state", "spool"] {
            fs::create_dir(self.path(name)).expect("created");
        }
        let key: Vec<u8> = (0..128u32)
            .map(|i| (i * 7 + std::process::id()) as u8)
            .collect();
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o400)
            .open(self.path("munge.key"))
            .expect("a key");
        std::io::Write::write_all(&mut file, &key).expect("written");
        let (host, at) = (host(), directory.display());
        let (controller, node) = (free_port(), free_port());
        let text = format!(
            "ClusterName=rtx-tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={at}/munge.sock
CredType=cred/munge
StateSaveLocation={at}/state
SlurmdSpoolDir={at}/spool
SlurmctldPidFile={at}/slurmctld.pid
SlurmdPidFile={at}/slurmd.pid
SlurmctldLogFile={at}/slurmctld.log
SlurmdLogFile={at}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
KillWait=5
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:8
",
            cpus = std::thread::available_parallelism().map_or(1, usize::from),
        );
        fs::write(self.path("slurm.conf"), text).expect("written");
    }

    fn daemon(&mut self, name: &str, args: &[&str]) {
        let log = fs::File::create(self.path(&format!("{name}.out"))).expect("a log");
        let child = self
            .prepare(name, args)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second one"))
            .stderr(log)
            .spawn();
        let child =
            child.unwrap_or_else(|e| panic!("{name}: {e}; tests/deps-slurm.sh installs it"));
        self.daemons.push(child);
    }

    fn prepare(&self, program: &str, args: &[&str]) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        command
            .args(args)
            .env("SLURM_CONF", self.path("slurm.conf"))
            // Daemons are in sbin, which not everybody has in the path.
            .env("PATH", format!("{path}:/usr/sbin:/sbin"))
            .current_dir(self.work());
        command
    }

    /// Runs one of Slurm's commands.
    pub fn command(&self, program: &str, args: &[&str]) -> Output {
        let output = self.prepare(program, args).output();
        output.unwrap_or_else(|e| panic!("{program}: {e}"))
    }

    /// Submits a job script; its job's number.
    pub fn submit(&self, name: &str, options: &[&str], script: &str) -> Job<'_> {
        let file = self.work().join(format!("{name}.sh"));
        fs::write(&file, format!("#!/bin/bash\n{script}")).expect("written");
        let log = self.work().join(format!("{name}.out"));
        let output = format!("--output={}", log.display());
        let path = file.display().to_string();
        let args = [
            &["--parsable", "--open-mode=append", &output],
            options,
            &[&path],
        ]
        .concat();
        let answer = self.command("sbatch", &args);
        assert!(answer.status.success(), "sbatch: {}", text(&answer.stderr));
        Job {
            cluster: self,
            id: text(&answer.stdout).trim().to_owned(),
            log,
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for name in ["slurmctld.log", "slurmd.log", "munged.log"] {
                let log = fs::read_to_string(self.path(name)).unwrap_or_default();
                let lines: Vec<&str> = log.lines().collect();
                eprintln!(
                    "--- {name}:\n{}",
                    lines[lines.len().saturating_sub(20)..].join("\n")
                );
            }
        }
        for child in self.daemons.iter_mut().rev() {
            // It may have ended already.
            let pid = nix::unistd::Pid::from_raw(child.id() as i32);
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
            let _ = child.wait();
        }
    }
}

/// A job of the cluster.
pub struct Job<'a> {
    cluster: &'a Cluster,
    /// Its number.
    pub id: String,
    log: PathBuf,
}

impl Job<'_> {
    /// Its state and exit status as scontrol shows them, such as COMPLETED and 0:0.
    pub fn state(&self) -> (String, String) {
        let output = self
            .cluster
            .command("scontrol", &["--oneliner", "show", "job", &self.id]);
        let words = text(&output.stdout);
        let value = |key: &str| {
            let word = words.split_whitespace().find_map(|w| w.strip_prefix(key));
            word.unwrap_or_default().to_owned()
        };
        (value("JobState="), value("ExitCode="))
    }

    /// Waits until it is over, and nothing of it runs; its state.
    pub fn over(&self) -> (String, String) {
        wait_until(&format!("job {} is over", self.id), || {
            let (state, _) = self.state();
            ![
                "PENDING",
                "CONFIGURING",
                "RUNNING",
                "COMPLETING",
                "REQUEUED",
            ]
            .contains(&&*state)
        });
        wait_until(&format!("nothing of job {} is left", self.id), || {
            self.processes().is_empty()
        });
        self.state()
    }

    /// The processes that have its number and its cluster in their environment.
    pub fn processes(&self) -> Vec<Process> {
        let number = format!("SLURM_JOB_ID={}", self.id);
        let cluster = format!("SLURM_CONF={}", self.cluster.path("slurm.conf").display());
        let mut all = Process::all();
        all.retain(|process| process.has_variable(&number) && process.has_variable(&cluster));
        all
    }

    /// What it has written.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it has written this.
    pub fn writes(&self, words: &str) {
        wait_until(&format!("job {} writes {words:?}", self.id), || {
            self.log().contains(words)
        });
    }
}

/// The node's name.
fn host() -> String {
    let name = nix::unistd::gethostname()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    name.split('.').next().unwrap_or(&name).to_owned()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits, and says for what if it was in vain.
pub fn wait_until(what: &str, check: impl Fn() -> bool) {
    let begun = Instant::now();
    while !check() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A path for a shell.
pub fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}
