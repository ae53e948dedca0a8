//! The agent: accepts homes, and gives each connection a thread of its own.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::draining;
use super::session::{self, SessionEnd};
use crate::figures::{self, Figures, Meter, Runnable};
use crate::guest::descriptors::room;
use crate::report::chain;
use crate::wire::PROTOCOL;
use crate::wire::handshake::{Refusal, check_protocol};
use crate::wire::message::{Beat, Facts, Hello, Load, Message, Pressure, Role, Welcome};
use crate::wire::secret::Admission;
use crate::wire::session::{ListenError, Session, receive};
use crate::wire::transport::Transport;

/// Descriptors that a session opens, and some for those that begin at the same time (`docs/limits.md`).
const SESSION: u64 = 48;

/// What an agent is told.
#[derive(Clone, Debug)]
pub struct Agent {
    /// What it calls itself.
    pub name: String,
    /// Threads of one job that it takes; 0: no limit.
    pub slots: u32,
    /// Accept homes on other machines although nothing is authenticated yet.
    pub insecure: bool,
    /// Say what happens on stderr.
    pub verbose: bool,
    /// Say nothing on stderr, not even what went wrong: home is told, and says it.
    pub quiet: bool,
    /// Which homes may have sessions.
    pub admission: Arc<Admission>,
    /// What its owner says of it.
    pub owner: OwnersWord,
}

/// What the owner of a board says of it, for policies at home.
#[derive(Clone, Debug, Default)]
pub struct OwnersWord {
    /// Labels, by name.
    pub labels: BTreeMap<String, String>,
    /// How fast a core is in thousandths of home's; 0: not said.
    pub speed_milli: u32,
    /// What the machine takes with nothing to do and with all cores busy, in milliwatts; 0: not said.
    pub watts_milli: (u32, u32),
}

/// Listens; `ready` hears the address.
pub fn listen(
    agent: &Agent,
    address: SocketAddr,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), ListenError> {
    if !agent.insecure && !address.ip().to_canonical().is_loopback() {
        return Err(ListenError::NotLoopback { address });
    }
    let bind = |source| ListenError::Bind { address, source };
    let listener = TcpListener::bind(address).map_err(bind)?;
    ready(listener.local_addr().map_err(bind)?);
    let facts = Facts::collect();
    loop {
        match listener.accept() {
            Ok((stream, caller)) => agent.admit(stream, caller, &facts),
            // The caller is gone again, or descriptors are short: go on with the next.
            Err(e) => {
                agent.log(&format!("cannot accept a connection: {e}"));
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

impl Agent {
    fn log(&self, message: &str) {
        if self.verbose {
            eprintln!("rtx-board: {message}");
        }
    }

    fn admit(&self, stream: TcpStream, caller: SocketAddr, facts: &Facts) {
        let (agent, facts) = (self.clone(), facts.clone());
        let thread = std::thread::Builder::new()
            .name("rtx-session".into())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                let outcome = match runtime {
                    Ok(runtime) => runtime.block_on(agent.converse(stream, facts)),
                    Err(e) => Err(format!("cannot start a runtime: {e}")),
                };
                if let Err(e) = outcome {
                    agent.log(&format!("{caller}: {e}"));
                }
            });
        if let Err(e) = thread {
            self.log(&format!("{caller}: cannot start a thread: {e}"));
        }
    }

    /// A stranger is told nothing about this machine.
    fn admit_home(&self, hello: &Hello) -> Result<(), Refusal> {
        check_protocol(&self.name, hello.protocol)?;
        let board = self.name.clone();
        match self.admission.admits(hello) {
            true => Ok(()),
            false => Err(Refusal::Stranger { board }),
        }
    }

    async fn converse(&self, stream: TcpStream, facts: Facts) -> Result<(), String> {
        let transport = notice_death(&stream)
            .and_then(|()| stream.set_nonblocking(true))
            .and_then(|()| tokio::net::TcpStream::from_std(stream))
            .and_then(Transport::tcp)
            .map_err(|e: io::Error| e.to_string())?;
        let incoming = receive(transport).await.map_err(|e| chain(&e))?;
        let judged = self
            .admit_home(&incoming.hello)
            .and_then(|()| incoming.judge(&self.name, &facts))
            .map_err(|e| chain(&e));
        let judged =
            judged.and_then(|()| room(SESSION).map_err(|e| format!("board {}: {e}", self.name)));
        if let Err(reason) = judged {
            incoming.refuse(reason.clone()).await;
            return Err(reason);
        }
        let role = incoming.hello.role();
        let clocks_agree = facts.clocks_agree(&incoming.hello.facts);
        let mut welcome = Welcome {
            protocol: PROTOCOL,
            facts,
            name: self.name.clone(),
            slots: self.slots,
            cores: std::thread::available_parallelism().map_or(1, |n| n.get() as u32),
            memory_bytes: figures::memory_free().unwrap_or(0),
            token: token().to_le_bytes().to_vec().into(),
            labels: self.owner.labels.clone(),
            speed_milli: self.owner.speed_milli,
            idle_mw: self.owner.watts_milli.0,
            busy_mw: self.owner.watts_milli.1,
            ..Welcome::default()
        };
        self.admission.sign(&incoming.hello, &mut welcome);
        let agreed = incoming.welcome(welcome).map_err(|e| chain(&e))?;
        match role {
            Role::Heartbeat => {
                beat(agreed).await;
                Ok(())
            }
            Role::Session => {
                match session::serve(agreed.inbox, agreed.outbox, clocks_agree).await {
                    Ok(()) => Ok(()),
                    Err(e @ SessionEnd::Home(_)) => Err(e.to_string()),
                    Err(e @ SessionEnd::Here(_)) => {
                        if !self.quiet && !self.verbose {
                            eprintln!("rtx-board: {}: {e}", self.name);
                        }
                        Err(e.to_string())
                    }
                }
            }
        }
    }
}

/// Has the kernel notice a home that is gone without a word: powered off, or cut off.
fn notice_death(stream: &TcpStream) -> io::Result<()> {
    use nix::sys::socket::{setsockopt, sockopt};
    setsockopt(stream, sockopt::KeepAlive, &true)?;
    setsockopt(stream, sockopt::TcpKeepIdle, &5)?;
    setsockopt(stream, sockopt::TcpKeepInterval, &5)?;
    setsockopt(stream, sockopt::TcpKeepCount, &3)?;
    setsockopt(stream, sockopt::TcpUserTimeout, &20_000)?;
    Ok(())
}

/// Names a session; unique in this agent.
fn token() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// How busy this machine is.
fn load(meter: &mut Meter, runnable: &mut Runnable) -> Load {
    let figures = Figures::read(runnable, 0);
    Load {
        runnable: figures.runnable,
        cores: figures.cores,
        load_centi: (figures.load * 100.0) as u32,
        pressure: figures.pressure.map(|(avg10, total_us)| Pressure {
            avg10_centi: (avg10 * 100.0) as u32,
            total_us,
        }),
        memory_free: figures.memory_free,
        millijoules: meter.joules().map(|joules| (joules * 1000.0) as u64),
        draining: draining::is_asked_for(),
    }
}

/// Answers signs of life until home goes.
async fn beat(session: Session) {
    let Session {
        mut inbox,
        mut outbox,
        ..
    } = session;
    let (mut meter, mut runnable) = (Meter::begin(), Runnable::default());
    while let Some(Ok(frame)) = inbox.recv().await {
        let Message::Beat(beat) = frame.message else {
            return;
        };
        let answer = Beat {
            seq: beat.seq,
            sent_ns: 0,
            echo_ns: beat.sent_ns,
            load: Some(load(&mut meter, &mut runnable)),
        };
        if outbox.push(answer).is_err() {
            return;
        }
    }
}
