//! The command line of `rtx-board`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser};

use super::agent::{self, Agent, OwnersWord};
use super::draining;
use super::orders::{self, Orders};
use crate::guest::bell;
use crate::guest::descriptors::Limit;
use crate::report::chain;
use crate::wire::secret::{Admission, Secret};

/// Lends this machine's cores to the threads of programs that run under rtx-run elsewhere.
///
/// Start it on each machine that has cores to spare, then name the machines where the program
/// runs: rtx-run --boards HOST:PORT,HOST:PORT PROGRAM. It stays until it is ended (Ctrl-C or
/// SIGTERM), serves any number of jobs at once, and leaves nothing behind. SIGUSR1 asks homes to take
/// their threads away and send no more (see rtx policies), SIGUSR1 again takes that back.
#[derive(Debug, Parser)]
#[command(name = "rtx-board", version)]
struct Flags {
    /// Where to listen. Port 0 takes any that is free and prints it.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:7878")]
    listen: SocketAddr,
    /// What this board calls itself in messages and reports [default: the host's name].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Threads of one job to take at most; 0: no limit.
    #[arg(long, value_name = "N", default_value_t = 0)]
    slots: u32,
    /// Accept homes from other machines although nobody is authenticated: trusted networks only.
    #[arg(long)]
    insecure: bool,
    /// A label for policies and for those who choose boards; may be given again.
    #[arg(long, value_name = "NAME=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
    /// How fast a core of this machine is, one of home's being 1. Policies reckon with it.
    #[arg(long, value_name = "FACTOR", value_parser = speed)]
    speed: Option<u32>,
    /// What this machine takes from the wall with nothing to do and with all cores busy, in watts. Policy
    /// energy reckons with it.
    #[arg(long, value_name = "IDLE-BUSY", value_parser = watts)]
    watts: Option<(u32, u32)>,
    /// Say on stderr what happens.
    #[arg(short, long)]
    verbose: bool,
    /// Say nothing on stderr, not even what went wrong with a job: its rtx-run says so.
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Serve one job, whose orders and end come over standard input: how rtx-run starts agents.
    #[arg(long, hide = true, conflicts_with_all = ["listen", "name", "slots", "insecure"])]
    job: bool,
    /// With --job: remove this directory, which holds this very program.
    #[arg(long, hide = true, requires = "job", value_name = "DIR")]
    remove: Option<PathBuf>,
    #[arg(skip)]
    secret: Option<Secret>,
}

/// The definition of the flags, for manual pages and completions.
pub fn definition() -> clap::Command {
    Flags::command()
}

impl Flags {
    /// With --job: takes the orders, and sees to it that nothing outlives the job.
    fn obey(&mut self) -> std::io::Result<()> {
        if let Some(directory) = &self.remove {
            orders::remove(directory)?;
        }
        if self.job {
            let orders = Orders::read(std::io::stdin().lock())?;
            orders::end_with_input()?;
            self.listen = orders.listen;
            self.name = orders.name;
            self.slots = orders.slots;
            self.insecure = orders.insecure;
            self.quiet = true;
            self.secret = Some(orders.secret);
        }
        Ok(())
    }
}

/// Runs the command.
pub fn main(args: impl IntoIterator<Item = std::ffi::OsString>) -> ExitCode {
    let mut flags = match Flags::try_parse_from(args) {
        Ok(flags) => flags,
        Err(e) => {
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { 125 } else { 0 });
        }
    };
    if let Err(e) = bell::block_child_signal() {
        eprintln!("rtx-board: cannot block SIGCHLD: {e}");
        return ExitCode::from(125);
    }
    if let Err(e) = flags.obey() {
        eprintln!("rtx-board: {e}");
        return ExitCode::from(125);
    }
    if let Err(e) = Limit::raise() {
        eprintln!("rtx-board: cannot set the limit on open files: {e}");
        return ExitCode::from(125);
    }
    let host = || nix::unistd::gethostname().map(|h| h.to_string_lossy().into_owned());
    let agent = Agent {
        name: flags
            .name
            .unwrap_or_else(|| host().unwrap_or_else(|_| "board".into())),
        slots: flags.slots,
        insecure: flags.insecure,
        verbose: flags.verbose,
        quiet: flags.quiet,
        admission: Arc::new(Admission::new(flags.secret)),
        owner: OwnersWord {
            labels: flags.label.into_iter().collect(),
            speed_milli: flags.speed.unwrap_or(0),
            watts_milli: flags.watts.unwrap_or_default(),
        },
    };
    if let Err(e) = draining::listen() {
        eprintln!("rtx-board: cannot listen for SIGUSR1: {e}");
        return ExitCode::from(125);
    }
    let ready = |address: SocketAddr| {
        use std::io::Write;
        // Whoever started us may not listen.
        let _ = writeln!(std::io::stdout(), "{} listens on {address}", agent.name);
    };
    match agent::listen(&agent, flags.listen, ready) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("rtx-board: {}", chain(&e));
            ExitCode::from(125)
        }
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it must be NAME=VALUE")?;
    match name.is_empty() {
        true => Err("the name is empty".to_owned()),
        false => Ok((name.to_owned(), value.to_owned())),
    }
}

/// Thousandths of a factor.
fn speed(text: &str) -> Result<u32, String> {
    let factor: f64 = text
        .parse()
        .map_err(|_| "it must be a number, such as 0.5")?;
    match (0.001..=1000.0).contains(&factor) {
        true => Ok((factor * 1000.0).round() as u32),
        false => Err("it must be from 0.001 to 1000".to_owned()),
    }
}

/// Milliwatts of `IDLE-BUSY` in watts, or what is wrong with it.
pub fn watts(text: &str) -> Result<(u32, u32), String> {
    let figure = |text: &str| {
        let watts = text.trim().parse().ok();
        watts.filter(|w: &f64| (0.0..=1e6).contains(w))
    };
    let pair = text.split_once('-');
    let pair = pair.and_then(|(idle, busy)| figure(idle).zip(figure(busy)));
    let (idle, busy) = pair.ok_or("it must be two numbers of watts, such as 60-180")?;
    match busy > 0.0 && busy >= idle {
        true => Ok(((idle * 1000.0) as u32, (busy * 1000.0) as u32)),
        false => Err("a busy machine takes more than an idle one".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_owners_say_is_understood_or_refused() {
        assert_eq!(label("rack=3"), Ok(("rack".into(), "3".into())));
        assert!(label("rack").is_err() && label("=3").is_err());
        assert_eq!(speed("0.5"), Ok(500));
        assert!(speed("0").is_err() && speed("fast").is_err());
        assert_eq!(watts("2.5-10"), Ok((2500, 10_000)));
        assert!(watts("10-2.5").is_err() && watts("5").is_err() && watts("0-0").is_err());
    }
}
