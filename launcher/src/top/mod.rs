//! `rtx top`: a running job in the terminal. [`ask`] asks the job for its status and carries orders to it, [`names`]
//! finds out what lies in pages, [`view`] is what is known and selected (pure), [`keys`] is what keys mean (pure),
//! [`draw`] puts it on the screen.
//!
//! ```text
//! job -> ask -> Status -> names -> view -> draw -> terminal
//! terminal -> keys -> view | ask (an order, with --control)
//! ```

mod ask;
mod draw;
mod keys;
mod names;
mod view;

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event, KeyEventKind};

use crate::errors::Explain;
use crate::jobs::Which;
use ask::Asker;
use keys::Act;
use names::Names;
use view::View;

/// Watch a running job: its threads and where they run, faults and home calls a second, the pages that nodes take from
/// each other with the program's variables in them, what was decided last
///
/// Keys: up and down select a thread, q quits. With --control: h brings the selected thread home, a board's number
/// moves it there, d and a number has that board leave.
#[derive(Debug, clap::Args)]
pub struct TopFlags {
    #[command(flatten)]
    which: Which,
    /// Let keys move threads and have boards leave
    #[arg(long)]
    control: bool,
    /// Seconds between two looks
    #[arg(long, value_name = "S", default_value_t = 1.0, value_parser = seconds)]
    interval: f64,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if (0.1..=60.0).contains(&s) => Ok(s),
        _ => Err("not a number of seconds between 0.1 and 60".to_owned()),
    }
}

/// The terminal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TopError {
    /// There is none.
    #[error("standard output is not a terminal")]
    NoTerminal,
    /// It fails.
    #[error("cannot use the terminal")]
    Terminal(#[source] std::io::Error),
    /// There are too many threads.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}

impl Explain for TopError {
    fn fix(&self) -> Option<String> {
        match self {
            Self::NoTerminal => Some("rtx jobs --json prints the same figures".to_owned()),
            Self::Terminal(_) | Self::Thread(_) => None,
        }
    }
}

/// Shows a job until the user or the job ends; what is to be said then.
pub fn run(flags: &TopFlags) -> Result<String, Box<dyn Explain>> {
    if !std::io::stdout().is_terminal() {
        return Err(TopError::NoTerminal.into());
    }
    let names = Names::start().map_err(TopError::Thread)?;
    let mut asker = Asker::to(flags.which.job(), names)?;
    let mut terminal = ratatui::try_init().map_err(TopError::Terminal)?;
    let result = watch(flags, &mut asker, &mut terminal);
    ratatui::restore();
    Ok(result?)
}

fn watch(
    flags: &TopFlags,
    asker: &mut Asker,
    terminal: &mut ratatui::DefaultTerminal,
) -> Result<String, TopError> {
    let interval = Duration::from_secs_f64(flags.interval);
    let mut view = View::new(asker.pid(), flags.control);
    let mut next = Instant::now();
    loop {
        let now = Instant::now();
        if now >= next {
            match asker.status() {
                Ok(status) => view.update(status),
                Err(why) => return Ok(format!("{why}\n")),
            }
            next = now + interval;
        }
        if let Some(answer) = asker.answer() {
            view.say(answer);
        }
        terminal
            .draw(|frame| draw::draw(frame, &view))
            .map_err(TopError::Terminal)?;
        // An order may be answered before the next look.
        let patience = next
            .saturating_duration_since(Instant::now())
            .min(Duration::from_millis(200));
        if !event::poll(patience).map_err(TopError::Terminal)? {
            continue;
        }
        let event = event::read().map_err(TopError::Terminal)?;
        let Event::Key(key) = event else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        match keys::pressed(key, &mut view) {
            Act::Nothing => {}
            Act::Quit => return Ok(String::new()),
            Act::Ask(request) => view.say(asker.order(request)),
        }
    }
}
