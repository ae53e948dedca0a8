//! The agent of the emulated ARM64 machine (`rtx_tests::arm64`).

use std::process::ExitCode;

use rtx_tests::arm64::{agent, wire};

fn main() -> ExitCode {
    match agent::serve(wire::PORT) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("rtx-vm-agent: {e}");
            ExitCode::FAILURE
        }
    }
}
