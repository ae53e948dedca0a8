//! The connections to one board: its session, and its heartbeat beside it.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::channel::mpsc;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::time::{Instant, timeout};

use super::run::BoardAddress;
use crate::continuations::Pair;
use crate::home::error::JobError;
use crate::home::job::{BoardFacts, Settings};
use crate::home::told::Told;
use crate::wire::PROTOCOL;
use crate::wire::frame::{Frame, OutFrame};
use crate::wire::inbox::{Inbox, InboxError};
use crate::wire::message::{Beat, Facts, Hello, Load, Message, Role, Welcome};
use crate::wire::outbox::Outbox;
use crate::wire::session::{ConnectError, Session, Way, connect};

/// How often signs of life are exchanged, unless patience is shorter.
const BEAT: Duration = Duration::from_millis(500);

/// How many signs of life are sent at first, and how often, so that the round trip is known soon.
const QUICK_BEATS: u64 = 5;
const QUICK_BEAT: Duration = Duration::from_millis(20);

/// Round trips of which the shortest counts.
const ROUND_TRIPS: usize = 16;

/// What comes from a board.
pub(super) enum FromBoard {
    /// It says something.
    Said(Frame),
    /// It says how busy it is; and the shortest round trip of late.
    Load(Load, Duration),
    /// It is gone, and how that was noticed.
    Lost(String),
}

/// The way to a board.
pub(super) struct Link {
    outbox: Option<Outbox>,
}

impl Link {
    /// Sends; an error is the reason why the board is lost.
    pub fn push(&mut self, frame: OutFrame) -> Result<(), String> {
        match &mut self.outbox {
            Some(outbox) => outbox.push(frame).map_err(|e| crate::report::chain(&e)),
            None => Err("the connection is closed".into()),
        }
    }

    /// Waits until everything is sent, and closes.
    pub async fn drain(&mut self) {
        if let Some(outbox) = self.outbox.take() {
            // A board that is gone hears nothing more.
            let _ = outbox.finish().await;
        }
    }
}

/// A board that has been reached: the way to it, what it says, what it is.
pub(super) type Reached = (Link, BoxStream<'static, FromBoard>, BoardFacts);

impl BoardAddress {
    pub(crate) fn way(&self, settings: Settings) -> Way<'_> {
        Way {
            board: &self.address,
            secret: self.secret.as_ref(),
            insecure: settings.insecure,
            patience: settings.connect_timeout,
        }
    }

    /// The smaller of what the board says and what the user says; 0: no limit.
    pub(crate) fn fewer_slots(&self, said: u32) -> u32 {
        match (said, self.slots) {
            (said, None) => said,
            (0, Some(slots)) => slots,
            (said, Some(slots)) => said.min(slots),
        }
    }
}

/// How home presents itself for a session.
pub(crate) fn hello(facts: Facts, pair: Option<&Pair>, settings: Settings) -> Hello {
    Hello {
        protocol: PROTOCOL,
        role: Role::Session as i32,
        facts,
        insecure: settings.insecure,
        other_isas: pair.map_or_else(Vec::new, Pair::other_isas),
        popcorn: settings.popcorn,
        program: pair.map_or_else(String::new, |pair| pair.name.clone()),
        ..Hello::default()
    }
}

/// Connects to all boards, session and heartbeat.
pub(super) async fn reach(
    addresses: &[BoardAddress],
    pair: Option<Arc<Pair>>,
    settings: Settings,
) -> Result<Vec<Reached>, JobError> {
    let mut all = Vec::new();
    for board in addresses {
        all.push(reach_one(board.clone(), pair.clone(), settings).await?);
    }
    Ok(all)
}

/// Connects to a board, session and heartbeat.
pub(super) async fn reach_one(
    board: BoardAddress,
    pair: Option<Arc<Pair>>,
    settings: Settings,
) -> Result<Reached, JobError> {
    /// What this machine is does not change while a job runs, and takes a while to find out.
    static OURS: OnceLock<Facts> = OnceLock::new();
    let refused = |e: ConnectError| JobError::Board(crate::report::chain(&e));
    let ours = OURS.get_or_init(Facts::collect);
    let way = board.way(settings);
    let mut hello = hello(ours.clone(), pair.as_deref(), settings);
    let session = connect(way, hello.clone()).await.map_err(refused)?;
    hello.role = Role::Heartbeat as i32;
    hello.token = session.welcome.token.clone();
    let heart = connect(way, hello).await.map_err(refused)?;
    let isa = session.welcome.facts.isa.clone();
    let name = board.name.as_ref().unwrap_or(&session.welcome.name);
    let facts = BoardFacts {
        name: name.clone(),
        foreign: pair.is_some() && (settings.only_at_points || isa != std::env::consts::ARCH),
        isa,
        slots: board.fewer_slots(session.welcome.slots),
        cores: session.welcome.cores,
        alive: true,
        draining: false,
        told: told(&board, &session.welcome, ours),
        address: board.address,
    };
    let frames = frames(session.inbox);
    let (tell, told) = mpsc::unbounded();
    let beats = stream::once(watch(heart, settings.heartbeat_timeout, tell));
    let both = stream::select(frames, stream::select(told, beats)).boxed();
    let link = Link {
        outbox: Some(session.outbox),
    };
    Ok((link, both, facts))
}

/// What a board's owner says of it, unless the user says something else.
fn told(board: &BoardAddress, welcome: &Welcome, ours: &Facts) -> Told {
    let watts = |mw: u32| f64::from(mw) / 1000.0;
    let said = (welcome.busy_mw > 0).then(|| (watts(welcome.idle_mw), watts(welcome.busy_mw)));
    let mut labels = welcome.labels.clone();
    labels.extend(board.labels.clone());
    Told {
        labels,
        speed: (welcome.speed_milli > 0).then(|| f64::from(welcome.speed_milli) / 1000.0),
        watts: board.watts.or(said),
        stands_in: ours.clocks_agree(&welcome.facts),
        // Until its first sign of life; threads may be sent there before.
        load: (welcome.memory_bytes > 0).then(|| Load {
            memory_free: Some(welcome.memory_bytes),
            ..Load::default()
        }),
        ..Told::default()
    }
}

/// A board's frames; the last item says why no more come.
fn frames(inbox: Inbox) -> impl futures::Stream<Item = FromBoard> + Send {
    inbox
        .map(Some)
        .chain(stream::once(async { None }))
        .map(|frame| match frame {
            Some(Ok(frame)) => FromBoard::Said(frame),
            Some(Err(InboxError::Broken(e))) => FromBoard::Lost(format!("connection broken: {e}")),
            Some(Err(e)) => FromBoard::Lost(crate::report::chain(&e)),
            None => FromBoard::Lost("connection closed".into()),
        })
}

/// Exchanges signs of life until they stop coming; returns what happened.
async fn watch(
    heart: Session,
    patience: Duration,
    tell: mpsc::UnboundedSender<FromBoard>,
) -> FromBoard {
    let mut round_trips = VecDeque::new();
    let Session {
        mut inbox,
        mut outbox,
        ..
    } = heart;
    let started = Instant::now();
    let every = BEAT.min(patience / 4).max(Duration::from_millis(1));
    // Counted in beats of ours, not by the clock: a time in which this process itself was stopped
    // says nothing about the board.
    let most = (patience.as_millis() / every.as_millis()).max(2);
    let mut unanswered = 0;
    for seq in 1.. {
        let beat = Beat {
            seq,
            sent_ns: started.elapsed().as_nanos() as u64,
            echo_ns: 0,
            load: None,
        };
        if let Err(e) = outbox.push(beat) {
            return FromBoard::Lost(format!("heartbeat broken: {}", crate::report::chain(&e)));
        }
        // The first ones follow each other quickly, for the round trip; they are in addition to those that
        // are counted.
        let quick = seq <= QUICK_BEATS;
        unanswered += u128::from(!quick);
        let pause = if quick { every.min(QUICK_BEAT) } else { every };
        let next = Instant::now() + pause;
        while let Ok(message) =
            timeout(next.saturating_duration_since(Instant::now()), inbox.recv()).await
        {
            match message {
                Some(Ok(Frame {
                    message: Message::Beat(beat),
                    ..
                })) => {
                    unanswered = 0;
                    let sent = Duration::from_nanos(beat.echo_ns);
                    round_trips.push_back(started.elapsed().saturating_sub(sent));
                    if round_trips.len() > ROUND_TRIPS {
                        round_trips.pop_front();
                    }
                    // What was late was so because somebody had other things to do.
                    let shortest = round_trips.iter().min().copied().unwrap_or_default();
                    if let Some(load) = beat.load {
                        // Nobody listens any more when the job ends.
                        let _ = tell.unbounded_send(FromBoard::Load(load, shortest));
                    }
                }
                Some(Ok(_)) => return FromBoard::Lost("its heartbeat makes no sense".into()),
                Some(Err(e)) => {
                    return FromBoard::Lost(format!(
                        "heartbeat broken: {}",
                        crate::report::chain(&e)
                    ));
                }
                None => return FromBoard::Lost("heartbeat connection closed".into()),
            }
        }
        if unanswered >= most {
            return FromBoard::Lost(format!(
                "no sign of life for {:.1} s",
                patience.as_secs_f64()
            ));
        }
    }
    unreachable!("beats are counted with 64 bits")
}
