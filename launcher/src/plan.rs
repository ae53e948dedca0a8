//! From flags and settings to everything a job needs, with every refusal that costs nothing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rtx_origin::Origin;
use rtx_policies::record::Header;
use rtx_policies::{Policy, PolicySpec, SpecError};
use rtx_runtime::continuations::Pair;

use crate::boards::{Board, BoardsError, BoardsSpec};
use crate::cli::Flags;
use crate::config::{BoardSettings, Config, Settings};
use crate::errors::Explain;
use crate::inherit::Inherit;
use crate::program;
use crate::record::{self, Recorder};
use crate::replay::read_file;

/// The boards of a job for which none are configured.
const DEFAULT_BOARDS: BoardsSpec = BoardsSpec::Local(2);

/// A job that can begin.
pub struct JobPlan {
    /// The program's file. With `attach` the file that the process executes, for the report only.
    pub program: PathBuf,
    /// Which compiler made it.
    pub origin: Origin,
    /// Its files, if it is of rtx-cc and may be offloaded.
    pub pair: Option<Arc<Pair>>,
    /// The program's argument vector, its name as the user gave it included. Empty with `attach`.
    pub argv: Vec<OsString>,
    /// The process to attach to instead of starting the program.
    pub attach: Option<i32>,
    /// With `attach`: Ctrl-C lets the program go on by itself.
    pub detach_on_interrupt: bool,
    /// The boards; none only if the policy never offloads, or the configuration has none.
    pub boards: Vec<Board>,
    /// Who decides which thread runs where.
    pub policy: Box<dyn Policy>,
    /// If its looks are recorded: why that has ended early.
    pub recording: Option<record::Trouble>,
    /// Whether boards beyond loopback may be used.
    pub insecure: bool,
    /// Whether to say on stderr what is being done.
    pub verbose: bool,
    /// All settings, for timeouts and the like.
    pub settings: Settings,
    /// What the program must be started with.
    pub inherit: Inherit,
}

/// The policy or the boards that are configured mean nothing. `place` says where they come from,
/// as [`Config::origin`] does.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// No such policy.
    #[error("{place}{error}")]
    Policy {
        /// Where the name comes from.
        place: String,
        /// What is wrong.
        error: SpecError,
    },
    /// No such list of boards.
    #[error("{place}{error}")]
    Boards {
        /// Where the list comes from.
        place: String,
        /// What is wrong.
        error: BoardsError,
    },
}

impl Explain for PlanError {
    fn fix(&self) -> Option<String> {
        match self {
            // The message lists the known ones.
            Self::Policy { .. } => None,
            Self::Boards { error, .. } => error.fix(),
        }
    }
}

/// Plans the job that the flags and the configuration ask for.
pub fn plan(flags: &Flags, config: Config, inherit: Inherit) -> Result<JobPlan, Box<dyn Explain>> {
    let (spec, mut policy) = policy(&config)?;
    let boards = boards(&config, policy.can_offload())?;
    let program = match flags.pid {
        Some(pid) => program::running(pid)?,
        None => {
            let name = flags
                .command
                .first()
                .expect("clap requires PROGRAM or --pid");
            let path = program::find(name, std::env::var_os("PATH").as_deref())?;
            program::for_here(path)?
        }
    };
    let origin = program::origin(&program, flags.pid)?;
    let pair = match policy.can_offload() {
        true => pair(&program, flags.pid)?,
        false => None,
    };
    let mut recording = None;
    if let Some(path) = &flags.record {
        let command = flags.command.iter();
        let mut words: Vec<String> = command.map(|w| w.to_string_lossy().into()).collect();
        if words.is_empty() {
            words.push(program.display().to_string());
        }
        let header = Header::new(env!("CARGO_PKG_VERSION"), spec, words);
        let recorder = Recorder::begin(path, &header, policy)?;
        recording = Some(recorder.trouble());
        policy = Box::new(recorder);
    }
    let settings = config.settings;
    Ok(JobPlan {
        program,
        origin,
        pair: pair.map(Arc::new),
        argv: flags.command.clone(),
        attach: flags.pid,
        detach_on_interrupt: flags.detach,
        boards,
        policy,
        recording,
        insecure: settings.insecure,
        verbose: settings.verbose,
        settings,
        inherit,
    })
}

/// The policy that is configured.
pub fn policy(config: &Config) -> Result<(PolicySpec, Box<dyn Policy>), PlanError> {
    let wrong = |error| PlanError::Policy {
        place: config.origin("policy").place(),
        error,
    };
    let spec = PolicySpec::parse(&config.settings.policy, &read_file).map_err(wrong)?;
    let policy = spec.build().map_err(wrong)?;
    Ok((spec, policy))
}

/// The files of a program, which a process executes already or is to.
fn pair(program: &Path, process: Option<i32>) -> Result<Option<Pair>, Box<dyn Explain>> {
    let pair = match process {
        // Through the link: the file may have been deleted or replaced since.
        Some(pid) => Pair::read_as(format!("/proc/{pid}/exe").as_ref(), program)?,
        None => Pair::read(program)?,
    };
    Ok(pair)
}

/// The boards that are configured.
pub fn boards(config: &Config, can_offload: bool) -> Result<Vec<Board>, PlanError> {
    let wrong = |error| PlanError::Boards {
        place: config.origin("boards").place(),
        error,
    };
    let spec = match &config.settings.boards {
        None => DEFAULT_BOARDS,
        Some(BoardSettings::List(list)) => list.parse().map_err(wrong)?,
        Some(BoardSettings::Tables(tables)) => BoardsSpec::of_tables(tables).map_err(wrong)?,
    };
    // A list that is wrong is wrong even where it is not needed.
    match can_offload {
        true => spec.resolve(|name| std::env::var_os(name)).map_err(wrong),
        false => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::At;
    use crate::cli::{Request, parse};
    use crate::config::load;

    fn boards_of(args: &[&str]) -> usize {
        let args = ["rtx-run"].iter().chain(args).chain(&["app"]);
        let Ok(Request::Run(flags)) = parse(args.map(Into::into)) else {
            panic!("not understood");
        };
        let config = load(&flags.settings).expect("loaded");
        let (_, policy) = policy(&config).expect("known");
        let boards = boards(&config, policy.can_offload()).expect("understood");
        assert!(boards.iter().all(|board| board.at == At::Here));
        boards.len()
    }

    #[test]
    fn boards_are_there_when_the_policy_can_use_them() {
        assert_eq!(boards_of(&[]), 2);
        assert_eq!(boards_of(&["--policy", "static"]), 2);
        assert_eq!(boards_of(&["--boards", "local:5"]), 5);
        assert_eq!(boards_of(&["--policy", "never"]), 0);
        assert_eq!(boards_of(&["--policy", "never", "--boards", "local:5"]), 0);
    }
}
