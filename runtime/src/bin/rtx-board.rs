//! `rtx-board`: the agent that lends this machine's cores to other machines' threads.

use std::process::ExitCode;

fn main() -> ExitCode {
    rtx_runtime::board::command::main(std::env::args_os())
}
