//! Looking at boards without running anything: what `rtx plan` shows.

use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::time::timeout;

use super::error::JobError;
use super::job::Settings;
use super::pager::{BoardAddress, hello};
use crate::continuations::Pair;
use crate::report::chain;
use crate::wire::handshake::check_facts;
use crate::wire::message::{Beat, Facts, Message, Role};
use crate::wire::session::{Path, Session, connect};

/// How many signs of life the round trip is the shortest of.
const BEATS: u32 = 8;
/// How long to wait for one.
const PATIENCE: Duration = Duration::from_secs(2);

/// A board that answers.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What it calls itself, or is to be called.
    pub name: String,
    pub facts: Facts,
    /// Threads of one job that it is to get; 0: no limit.
    pub slots: u32,
    pub cores: u32,
    /// Memory that is free there, in bytes; 0: not known.
    pub memory_bytes: u64,
    /// Which addresses the way goes between.
    pub path: Option<Path>,
    /// To the agent and back; `None`: it does not answer in time.
    pub round_trip: Option<Duration>,
    /// Why a job with this program would not have it.
    pub refusal: Option<String>,
}

/// Looks at all boards at once. An error of a board is why it cannot be reached, for people.
pub fn probe(
    boards: &[BoardAddress],
    pair: Option<&Pair>,
    settings: Settings,
) -> Result<Vec<Result<Answer, String>>, JobError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| JobError::Kernel("start a runtime", e))?;
    let facts = Facts::collect();
    let all = boards
        .iter()
        .map(|board| look(board, &facts, pair, settings));
    Ok(runtime.block_on(join_all(all)))
}

async fn look(
    board: &BoardAddress,
    facts: &Facts,
    pair: Option<&Pair>,
    settings: Settings,
) -> Result<Answer, String> {
    let hello = hello(facts.clone(), pair, settings);
    let mut beat = hello.clone();
    // Such a connection costs the board next to nothing, and is not refused for what the machine is.
    beat.role = Role::Heartbeat as i32;
    let mut session = connect(board.way(settings), beat)
        .await
        .map_err(|e| chain(&e))?;
    let round_trip = shortest(&mut session).await;
    let welcome = session.welcome;
    let name = board.name.clone().unwrap_or(welcome.name);
    let refusal = check_facts(&name, &hello, &welcome.facts).err();
    Ok(Answer {
        name,
        facts: welcome.facts,
        slots: board.fewer_slots(welcome.slots),
        cores: welcome.cores,
        memory_bytes: welcome.memory_bytes,
        path: session.path,
        round_trip,
        refusal: refusal.map(|refusal| refusal.to_string()),
    })
}

async fn shortest(session: &mut Session) -> Option<Duration> {
    let mut shortest = None;
    for seq in 1..=BEATS {
        let sent = Instant::now();
        let beat = Beat {
            seq: seq.into(),
            ..Beat::default()
        };
        session.outbox.push(beat).ok()?;
        let answer = timeout(PATIENCE, session.inbox.recv()).await.ok()??.ok()?;
        if !matches!(answer.message, Message::Beat(_)) {
            return None;
        }
        let took = sent.elapsed();
        shortest = Some(shortest.map_or(took, |least: Duration| least.min(took)));
    }
    shortest
}
