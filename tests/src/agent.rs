//! A running `rtx-board`, as on another machine.

use std::net::TcpListener;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::checkout;
use crate::procfs::{Process, is_listening};
use crate::{Run, Running, Status};

/// An agent.
pub struct Agent {
    running: Running,
    address: String,
}

impl Agent {
    /// Starts one on loopback and waits until it listens.
    pub fn start(name: &str) -> Self {
        Self::launch(name, &format!("127.0.0.1:{}", free_port()), |run| run)
    }

    /// Starts one at this address, its run arranged in some way, and waits until it listens.
    pub fn launch(name: &str, address: &str, arrange: impl FnOnce(Run) -> Run) -> Self {
        let (_, port) = address.rsplit_once(':').expect("an address with a port");
        let port = port.parse().expect("a port");
        let run = Run::native(checkout::binary("rtx-board"))
            .args(["--listen", address, "--name", name])
            .timeout(Duration::from_secs(3600));
        let running = arrange(run).start();
        running.wait_until("the agent listens", |agent| {
            is_listening(agent.pid(), port).then_some(())
        });
        let address = address.to_owned();
        Self { running, address }
    }

    /// What to give to `--boards`.
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// The agent's process.
    pub fn process(&self) -> Process {
        Process::find(self.running.pid()).expect("the agent runs")
    }

    /// The agent's run.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// Ends it with SIGTERM, as a service manager does; fails if it leaves something behind, or does
    /// not take this for a reason to end well.
    pub fn stop(self) {
        self.running.signal(Signal::SIGTERM);
        let outcome = self.running.finish();
        let well = [Status::Exited(0), Status::Killed(libc::SIGTERM)];
        assert!(well.contains(&outcome.status()), "{outcome}");
    }
}

/// A port that nobody uses now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it has an address").port()
}
