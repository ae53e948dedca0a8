//! The flags of `rtx-run` and what its help says.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, ValueHint};

use crate::errors::Explain;

const USAGE: &str = "rtx-run [OPTIONS] [--] PROGRAM [ARG...]
       rtx-run [OPTIONS] --pid PID";

const EXAMPLES: &str = "\
Examples:
  rtx-run ./app --size 512
        Run app; its threads move to two boards on this machine while its cores are short.
  rtx-run --policy static --boards 10.0.0.2:7100,10.0.0.3:7100 --insecure ./app
        Offload each thread as soon as it exists, to two running rtx-board agents in turn.
  rtx-run --policy never --report r.json ./app
        Only supervise, and write down what happened.
  rtx-run --pid 4711 --summary
        Attach to a running program of yours; print where its threads were, at the end.

PROGRAM must be statically linked (musl-gcc -static). Everything after PROGRAM belongs to it.
One that rtx-cc compiled can use boards of another instruction set: its second file,
PROGRAM.aarch64, must lie beside it.

Settings come from /etc/rtx/config.toml, ~/.config/rtx/config.toml, ./rtx.toml and --config FILE (TOML:
keys named like the flags, with _ for -), then from the environment (RTX_POLICY, RTX_BOARDS, ...),
then from the flags; the later wins. `rtx config --show` prints them all, and where each comes from.

Exit status:
  that of PROGRAM; if a signal ended it, rtx-run is ended by the same signal. Otherwise:
   75  a board was lost and the job could not go on; running it again may help
  125  rtx-run refused or failed; PROGRAM has not run, unless the message says so
  126  PROGRAM was found but cannot be run
  127  PROGRAM was not found

`kill -QUIT PID-OF-RTX-RUN` prints what every thread is doing, and where, on both sides.
`rtx check` tells what this machine can do, and what to change.";

/// The flags that are settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
pub struct SettingFlags {
    /// Who decides which thread runs where: a policy (congestion, the default, static, never and
    /// others), NAME:KEY=VALUE,..., a preset, a script FILE.rhai, or several joined by +. See
    /// rtx policies
    #[arg(long, value_name = "POLICY")]
    pub policy: Option<String>,

    /// The boards: local:N starts N on this machine (the default is local:2), HOST:PORT,... uses
    /// running rtx-board agents, ssh:HOST,... and hostfile:FILE start agents by ssh, slurm and pbs
    /// start them on the nodes of such a job
    #[arg(long, value_name = "LIST")]
    pub boards: Option<String>,

    /// Read settings from this TOML file too
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Write what happened into this file, as JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub report: Option<PathBuf>,

    /// Write each move and refusal into this file as it happens, a line of JSON each
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub events: Option<PathBuf>,

    /// Serve metrics for Prometheus at http://ADDRESS:PORT/metrics; without an address on loopback
    #[arg(long, value_name = "[ADDRESS:]PORT")]
    pub metrics: Option<String>,

    /// Print what happened to stderr, at the end
    #[arg(long)]
    pub summary: bool,

    /// Show on the terminal, in one line, where threads are
    #[arg(long)]
    pub progress: bool,

    /// Say on stderr what is being done
    #[arg(short, long)]
    pub verbose: bool,

    /// Use boards that are not on this machine, although nothing is encrypted
    #[arg(long)]
    pub insecure: bool,
}

/// Run a program whose threads can move to other machines.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(name = "rtx-run", version, override_usage = USAGE, after_help = EXAMPLES)]
pub struct Flags {
    /// Those that can stand in the configuration too.
    #[command(flatten)]
    pub settings: SettingFlags,

    /// Write what the policy sees and decides into this file, for rtx replay
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub record: Option<PathBuf>,

    /// Attach to this running program instead of starting one
    #[arg(long, value_name = "PID", conflicts_with = "command",
          value_parser = clap::value_parser!(i32).range(1..))]
    pub pid: Option<i32>,

    /// With --pid: on Ctrl-C let the program go on by itself, at home, instead of passing it on
    #[arg(long)]
    pub detach: bool,

    /// The program and its arguments
    #[arg(value_name = "PROGRAM", trailing_var_arg = true, hide = true)]
    #[arg(required_unless_present = "pid", value_hint = ValueHint::CommandWithArguments)]
    pub command: Vec<OsString>,
}

/// The flags could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct UsageError {
    what: String,
    hint: Option<String>,
}

impl Explain for UsageError {
    fn fix(&self) -> Option<String> {
        let hint = self.hint.as_ref().map(|hint| format!("{hint}. "));
        Some(hint.unwrap_or_default() + "See rtx-run --help")
    }
}

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// To run a job.
    Run(Box<Flags>),
    /// To print this text (help, version) on stdout and end with status 0.
    Print(String),
}

/// Understands a command line, the command's own name included.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Request, UsageError> {
    let parsed = Flags::command()
        .try_get_matches_from(args)
        .and_then(|matches| Flags::from_arg_matches(&matches));
    match parsed {
        // clap drops such a requirement where PROGRAM, which conflicts with --pid, is given.
        Ok(flags) if flags.detach && flags.pid.is_none() => Err(UsageError {
            what: "--detach without --pid".to_owned(),
            hint: Some("Only a program that was attached to can be left alone".to_owned()),
        }),
        Ok(flags) => Ok(Request::Run(Box::new(flags))),
        Err(error) if !error.use_stderr() => Ok(Request::Print(error.to_string())),
        Err(error) => Err(usage_error(&error)),
    }
}

/// clap's message of several lines as what is wrong and a hint.
fn usage_error(error: &clap::Error) -> UsageError {
    use clap::error::ErrorKind;
    if error.kind() == ErrorKind::MissingRequiredArgument {
        return UsageError {
            what: "no program given".to_owned(),
            hint: Some("Name one: rtx-run PROGRAM [ARG...]".to_owned()),
        };
    }
    let text = error.to_string();
    let mut lines = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty());
    let what = lines.next().unwrap_or("the flags are wrong");
    // "to pass '--x' as a value, ..." would make it the program.
    let hints: Vec<String> = lines
        .map(|line| line.strip_prefix("tip: ").unwrap_or(line))
        .filter(|line| !line.starts_with("to pass "))
        .map(capitalized)
        .collect();
    UsageError {
        what: what.strip_prefix("error: ").unwrap_or(what).to_owned(),
        hint: (!hints.is_empty()).then(|| hints.join(". ")),
    }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    fn parsed(args: &[&str]) -> Result<Flags, String> {
        let args = std::iter::once("rtx-run").chain(args.iter().copied());
        match parse(args.map(OsString::from)) {
            Ok(Request::Run(flags)) => Ok(*flags),
            Ok(Request::Print(text)) => panic!("printed {text}"),
            Err(error) => Err(crate::errors::line("rtx-run", &error)),
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        Flags::command().debug_assert();
    }

    #[test]
    fn what_follows_the_program_is_never_a_flag() {
        let cases: [(&[&str], &[&str]); 5] = [
            (
                &["app", "--policy", "x", "-v"],
                &["app", "--policy", "x", "-v"],
            ),
            (&["--", "app", "--summary"], &["app", "--summary"]),
            (&["app", "--", "--pid", "1"], &["app", "--", "--pid", "1"]),
            (&["--", "--app", "-h"], &["--app", "-h"]),
            (&["-v", "app", "--help"], &["app", "--help"]),
        ];
        for (args, command) in cases {
            let flags = parsed(args).expect("understood");
            assert_eq!(
                flags.command,
                command.iter().map(OsString::from).collect::<Vec<_>>()
            );
            assert_eq!(
                (flags.settings.policy, flags.settings.summary, flags.pid),
                (None, false, None)
            );
        }
    }

    #[test]
    fn every_flag_is_read() {
        let flags = parsed(&[
            "--policy",
            "static",
            "--boards=local:3",
            "--config",
            "c",
            "--report",
            "r",
            "--record=d",
            "--summary",
            "-v",
            "--insecure",
            "--progress",
            "--events",
            "e",
            "--metrics=9100",
            "app",
        ])
        .expect("understood");
        assert_eq!(flags.record, Some("d".into()));
        assert_eq!(flags.settings.policy.as_deref(), Some("static"));
        assert_eq!(flags.settings.boards.as_deref(), Some("local:3"));
        assert_eq!(flags.settings.config, Some("c".into()));
        assert_eq!(flags.settings.report, Some("r".into()));
        let set = flags.settings;
        assert!(set.summary && set.verbose && set.insecure && set.progress);
        assert_eq!(
            (set.events, set.metrics),
            (Some("e".into()), Some("9100".into()))
        );
        assert_eq!(
            parsed(&["--pid", "12", "--detach"])
                .expect("understood")
                .pid,
            Some(12)
        );
    }

    #[test]
    fn bytes_that_are_not_utf8_pass_through() {
        let odd = OsString::from_vec(b"\xff\xfe".to_vec());
        let args = [
            "rtx-run".into(),
            "--report".into(),
            odd.clone(),
            odd.clone(),
            odd.clone(),
        ];
        let Ok(Request::Run(flags)) = parse(args) else {
            panic!("not understood");
        };
        assert_eq!(flags.settings.report, Some(odd.clone().into()));
        assert_eq!(flags.command, [odd.clone(), odd]);
    }

    #[test]
    fn misuse_is_one_line_with_the_fix() {
        for (args, expected) in [
            (
                &[][..],
                "rtx-run: no program given. Name one: rtx-run PROGRAM [ARG...]. See rtx-run --help",
            ),
            (
                &["--polcy", "static", "app"],
                "rtx-run: unexpected argument '--polcy' found. A similar argument exists: \
                 '--policy'. See rtx-run --help",
            ),
            (
                &["--pid", "0"],
                "rtx-run: invalid value '0' for '--pid <PID>': 0 is not in 1..=2147483647. \
                 See rtx-run --help",
            ),
            (
                &["--pid", "1", "app"],
                "rtx-run: the argument '--pid <PID>' cannot be used with '[PROGRAM]...'. \
                 See rtx-run --help",
            ),
            (
                &["--detach", "app"],
                "rtx-run: --detach without --pid. Only a program that was attached to can be left \
                 alone. See rtx-run --help",
            ),
            (
                &["--policy"],
                "rtx-run: a value is required for '--policy <POLICY>' but none was supplied. \
                 See rtx-run --help",
            ),
        ] {
            assert_eq!(parsed(args).expect_err("misuse"), expected);
        }
    }

    #[test]
    fn help_teaches() {
        let Ok(Request::Print(help)) = parse(["rtx-run".into(), "--help".into()]) else {
            panic!("no help");
        };
        for expected in [
            "[--] PROGRAM [ARG...]",
            "--pid PID",
            "Examples:",
            "Exit status:",
            "127",
        ] {
            assert!(help.contains(expected), "{expected} is missing in:\n{help}");
        }
        assert!(!help.contains("Arguments:"), "{help}");
    }
}
