//! `rtx plan`: what a run would use, and what would refuse.

use std::ffi::OsString;
use std::fmt::Write;

use clap::Args;
use rtx_runtime::home::probe::{Answer, probe};
use serde::Serialize;

use crate::agents::{Agents, Terms};
use crate::check::{self, Need};
use crate::cli::{self, SettingFlags};
use crate::config;
use crate::errors::{Explain, line, status};
use crate::inherit::Inherit;
use crate::job;
use crate::plan::{self, JobPlan};

/// The flags of `rtx plan`.
#[derive(Debug, Args)]
pub struct Flags {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingFlags,
    /// The program to look at; without one only the boards are looked at
    #[arg(value_name = "PROGRAM", trailing_var_arg = true)]
    command: Vec<OsString>,
}

/// The name of the JSON form.
const SCHEMA: &str = "rtx.plan.v1";

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    /// Whether rtx-run would begin.
    ok: bool,
    policy: String,
    /// What is missing on this machine; `null`: nothing.
    machine: Option<String>,
    /// `null`: none was named, or it is refused.
    program: Option<Program>,
    /// Why the program is refused.
    program_refused: Option<String>,
    boards: Vec<Board>,
}

#[derive(Serialize)]
struct Program {
    path: String,
    isa: &'static str,
    /// Others are refused.
    r#static: bool,
    /// `rtx-cc`, `popcorn`, or neither.
    origin: Option<&'static str>,
    /// Instruction sets that its threads can move between.
    isas: Vec<String>,
}

#[derive(Serialize, Default)]
struct Board {
    /// As it was asked for.
    board: String,
    /// Why rtx-run would not have it.
    refused: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offer: Option<Offer>,
}

#[derive(Serialize)]
struct Offer {
    name: String,
    address: String,
    isa: String,
    kernel: String,
    cores: u32,
    /// 0: not known.
    memory_bytes: u64,
    /// 0: no limit.
    slots: u32,
    /// This machine's address on the way there.
    local_address: Option<String>,
    round_trip_us: Option<f64>,
}

/// The text, and the exit status.
pub(super) fn show(flags: Flags) -> Result<(String, u8), Box<dyn Explain>> {
    let config = config::load(&flags.settings)?;
    let (_, policy) = plan::policy(&config)?;
    let boards = plan::boards(&config, policy.can_offload())?;
    let need = match policy.can_offload() {
        true => Need::Offload,
        false => Need::Supervise,
    };
    // Before there are threads.
    let machine = check::required(need).err().map(|error| text_of(&error));
    let mut would = 0;
    let mut document = Document {
        schema: SCHEMA,
        ok: true,
        policy: policy.name().to_owned(),
        machine,
        program: None,
        program_refused: None,
        boards: Vec::new(),
    };
    let mut settings = job::settings(&config.settings);
    let terms = Terms::of(&config.settings);
    let mut pair = None;
    if !flags.command.is_empty() {
        let run = cli::Flags {
            settings: flags.settings,
            record: None,
            pid: None,
            detach: false,
            command: flags.command,
        };
        match plan::plan(&run, config, Inherit::captured()) {
            Ok(plan) => {
                settings.popcorn = matches!(plan.origin, rtx_origin::Origin::Popcorn(_));
                document.program = Some(program(&plan));
                pair = plan.pair;
            }
            Err(error) => {
                would = error.status();
                document.program_refused = Some(text_of(error.as_ref()));
            }
        }
    }
    let (agents, started) = Agents::try_start(&boards, terms)?;
    let reached: Vec<_> = started.iter().flatten().cloned().collect();
    let answers = probe(&reached, pair.as_deref(), settings).map_err(job::refused)?;
    drop(agents);
    let mut answers = answers.into_iter().zip(reached);
    for (board, started) in boards.iter().zip(started) {
        let mut shown = Board {
            board: board.to_string(),
            ..Board::default()
        };
        match started {
            Err(error) => shown.refused = Some(text_of(&error)),
            Ok(_) => match answers.next() {
                Some((Ok(answer), at)) => {
                    shown.refused.clone_from(&answer.refusal);
                    shown.offer = Some(offer(answer, at.address));
                }
                Some((Err(why), _)) => shown.refused = Some(why),
                None => unreachable!("each that was started was asked"),
            },
        }
        document.boards.push(shown);
    }
    let refused = document.boards.iter().any(|board| board.refused.is_some());
    if would == 0 && (refused || document.machine.is_some()) {
        would = status::REFUSED;
    }
    document.ok = would == 0;
    let shown = match flags.json {
        true => serde_json::to_string_pretty(&document).expect("plain values") + "\n",
        false => text(&document),
    };
    Ok((shown, would))
}

/// What rtx-run would say, without its name.
fn text_of(error: &dyn Explain) -> String {
    line("", error).trim_start_matches(": ").to_owned()
}

fn program(plan: &JobPlan) -> Program {
    let here = std::env::consts::ARCH;
    let others = plan.pair.as_ref().map(|pair| pair.other_isas());
    Program {
        path: plan.program.to_string_lossy().into_owned(),
        isa: here,
        r#static: true,
        origin: plan.origin.name(),
        isas: [here.to_owned()]
            .into_iter()
            .chain(others.unwrap_or_default())
            .collect(),
    }
}

fn offer(answer: Answer, address: String) -> Offer {
    Offer {
        name: answer.name,
        address,
        isa: answer.facts.isa,
        kernel: answer.facts.kernel,
        cores: answer.cores,
        memory_bytes: answer.memory_bytes,
        slots: answer.slots,
        local_address: answer.path.map(|path| path.here.ip().to_string()),
        round_trip_us: answer.round_trip.map(|rtt| rtt.as_nanos() as f64 / 1e3),
    }
}

fn text(document: &Document) -> String {
    let mut out = String::new();
    if let Some(program) = &document.program {
        let made = match program.origin {
            Some(origin) => format!(", made by {origin}"),
            None => String::new(),
        };
        let isas = program.isas.join(", ");
        let _ = writeln!(out, "program  {}: static{made}, for {isas}", program.path);
    }
    if let Some(refused) = &document.program_refused {
        let _ = writeln!(out, "program  refused: {refused}");
    }
    let _ = writeln!(out, "policy   {}", document.policy);
    let machine = document.machine.as_deref().unwrap_or("ok");
    let _ = writeln!(out, "machine  {machine}");
    for board in &document.boards {
        let _ = write!(out, "board    {}: ", board.board);
        if let Some(offer) = &board.offer {
            let _ = write!(out, "{}", described(offer));
        }
        match (&board.refused, &board.offer) {
            (Some(refused), Some(_)) => {
                let _ = writeln!(out, "\n         refused: {refused}");
            }
            (Some(refused), None) => {
                let _ = writeln!(out, "refused: {refused}");
            }
            (None, _) => out.push('\n'),
        }
    }
    if document.boards.is_empty() {
        out.push_str("board    none\n");
    }
    out.push_str(match document.ok {
        true => "rtx-run would begin.\n",
        false => "rtx-run would refuse.\n",
    });
    out
}

fn described(offer: &Offer) -> String {
    let memory = match offer.memory_bytes {
        0 => String::new(),
        bytes => format!(", {:.1} GiB free", bytes as f64 / f64::from(1 << 30)),
    };
    let slots = match offer.slots {
        0 => "any number of threads".to_owned(),
        slots => format!("{slots} threads at most"),
    };
    let way = offer.local_address.as_deref().unwrap_or("?");
    let round_trip = match offer.round_trip_us {
        Some(us) => format!("{us:.0} us"),
        None => "no round trip".to_owned(),
    };
    format!(
        "{} at {}, {}, Linux {}, {} cores{memory}, {slots}; from {way}, {round_trip}",
        offer.name, offer.address, offer.isa, offer.kernel, offer.cores
    )
}
