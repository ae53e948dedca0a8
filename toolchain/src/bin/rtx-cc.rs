//! The command rtx-cc.

use std::process::ExitCode;

fn main() -> ExitCode {
    rtx_toolchain::command::main(std::env::args_os().skip(1).collect())
}
