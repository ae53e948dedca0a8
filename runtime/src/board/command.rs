//! The command line of `rtx-board`.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;

use super::agent::{self, Agent};
use crate::guest::bell;
use crate::guest::descriptors::Limit;
use crate::report::chain;

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
}

/// Runs the command.
pub fn main(args: impl IntoIterator<Item = std::ffi::OsString>) -> ExitCode {
    let flags = match Flags::try_parse_from(args) {
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
