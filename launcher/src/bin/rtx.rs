//! `rtx`: what this machine can do, what policies do, and what jobs do and have done.

use std::path::Path;
use std::process::ExitCode;

use rtx_launcher::agents;

fn main() -> ExitCode {
    let called = std::env::args_os().next().unwrap_or_default();
    if Path::new(&called).file_name() == Some(agents::BOARD.as_ref()) {
        // One of the boards that `rtx plan` looks at: see `agents`.
        return rtx_runtime::board::command::main(std::env::args_os());
    }
    rtx_launcher::tool::main()
}
