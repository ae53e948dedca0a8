//! The command line of `rtx-board`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser};

use super::agent::{self, Agent};
use super::orders::{self, Orders};
use crate::guest::bell;
use crate::report::chain;
use crate::wire::secret::{Admission, Secret};

/// Lends this machine's cores to the threads of programs that run under rtx-run elsewhere.
///
/// Start it on each machine that has cores to spare, then name the machines where the program
/// runs: rtx-run --boards HOST:PORT,HOST:PORT PROGRAM. It stays until it is ended (Ctrl-C or
/// SIGTERM), serves any number of jobs at once, and leaves nothing behind.
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
    };
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
