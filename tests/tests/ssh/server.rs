//! OpenSSH's server on this machine, with keys and a port of its own, and a command `ssh` that reaches it by any host
//! name.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rtx_tests::Run;
use rtx_tests::agent::free_port;
use rtx_tests::procfs::{self, Process};
use rtx_tests::scratch::{Scratch, names_in};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The program; it wants to be named by its whole path.
const SSHD: &str = "/usr/sbin/sshd";
/// A directory that it wants empty when it is root, whatever it is told otherwise.
const EMPTY: &str = "/run/sshd";

/// The server; it and its sessions end with it.
pub struct Server {
    scratch: Scratch,
    port: u16,
    daemon: Child,
}

impl Server {
    /// Starts it, and waits until it takes connections.
    pub fn start() -> Server {
        let scratch = Scratch::new();
        let port = free_port();
        for key in ["host", "mine", "stranger"] {
            new_key(&scratch.path(key));
        }
        fs::copy(scratch.path("mine.pub"), scratch.path("authorized")).expect("copied");
        let at = scratch.path("");
        let at = at.display();
        // Without PAM it refuses users whose password is locked, as root's is on some systems.
        let shadow = fs::read_to_string("/etc/shadow").unwrap_or_default();
        let pam = match shadow.lines().any(|line| line.starts_with("root:!")) {
            true => "yes",
            false => "no",
        };
        write(
            &scratch.path("sshd_config"),
            &format!(
                "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host\nAuthorizedKeysFile {at}/authorized\nStrictModes no\n\
                 UsePAM {pam}\nPasswordAuthentication no\nPidFile none\nPrintMotd no\n\
                 SetEnv TMPDIR={at}/there\n"
            ),
        );
        let host_key = fs::read_to_string(scratch.path("host.pub")).expect("a key");
        write(
            &scratch.path("known"),
            &format!("[127.0.0.1]:{port} {host_key}"),
        );
        if nix::unistd::geteuid().is_root() {
            fs::create_dir_all(EMPTY).expect("root can");
        }
        fs::create_dir(scratch.path("there")).expect("created");
        let log = fs::File::create(scratch.path("log")).expect("a log");
        let mut command = Command::new(SSHD);
        command.arg("-D").arg("-e").arg("-f");
        command.arg(scratch.path("sshd_config")).stderr(log);
        let daemon = command.stdin(Stdio::null()).spawn();
        let daemon = daemon.expect("sshd; tests/deps-ssh.sh installs it");
        let server = Server {
            scratch,
            port,
            daemon,
        };
        let pid = server.daemon.id() as i32;
        server.wait_until("sshd listens", || procfs::is_listening(pid, port));
        server
    }

    /// A command `ssh` is found first that reaches this server, and shows the key of that name.
    pub fn prepare(&self, run: Run, key: &str) -> Run {
        let at = self.scratch.path("");
        let at = at.display();
        let directory = self.scratch.path(&format!("client.{key}"));
        fs::create_dir_all(&directory).expect("created");
        let config = directory.join("config");
        write(
            &config,
            &format!(
                "Host *\nHostName 127.0.0.1\nPort {}\nIdentityFile {at}/{key}\nIdentitiesOnly yes\nUserKnownHostsFile {at}/known\n\
                 StrictHostKeyChecking yes\n",
                self.port
            ),
        );
        let first = std::env::var("PATH").expect("a PATH");
        let real = find("ssh", &first);
        let script = directory.join("ssh");
        write(
            &script,
            &format!(
                "#!/bin/sh\nexec {} -F {} \"$@\"\n",
                real.display(),
                config.display()
            ),
        );
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("set");
        run.variable("PATH", format!("{}:{first}", directory.display()))
    }

    /// The names of temporary files of its sessions.
    pub fn files(&self) -> Vec<String> {
        names_in(&self.scratch.path("there"))
    }

    /// What runs below it.
    pub fn processes(&self) -> Vec<Process> {
        let all = Process::all();
        let mut known = vec![self.daemon.id() as i32];
        let mut found = Vec::new();
        // An agent may outlive its session.
        let mark = format!("TMPDIR={}", self.scratch.path("there").display());
        let marked = all.iter().filter(|p| p.has_variable(&mark));
        known.extend(marked.clone().map(|p| p.pid));
        found.extend(marked.cloned());
        let mut from = 0;
        while from < known.len() {
            let parent = known[from];
            for process in all.iter().filter(|p| p.parent == parent) {
                if !known.contains(&process.pid) {
                    known.push(process.pid);
                    found.push(process.clone());
                }
            }
            from += 1;
        }
        found
    }

    /// Waits until something holds.
    pub fn wait_until(&self, what: &str, check: impl Fn() -> bool) {
        let begin = Instant::now();
        while !check() {
            let log = fs::read_to_string(self.scratch.path("log")).unwrap_or_default();
            assert!(begin.elapsed() < PATIENCE, "waited for: {what}\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let sessions = self.processes();
        for pid in sessions.iter().map(|p| p.pid) {
            let pid = nix::unistd::Pid::from_raw(pid);
            // It may have ended.
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

fn new_key(path: &Path) {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-f"]);
    let status = command.arg(path).status().expect("ssh-keygen runs");
    assert!(status.success(), "ssh-keygen: {status}");
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

fn find(command: &str, path: &str) -> PathBuf {
    let mut places = path.split(':').map(|place| Path::new(place).join(command));
    places
        .find(|file| file.exists())
        .expect("tests/deps-ssh.sh installs it")
}
