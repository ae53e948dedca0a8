//! The machine as a board.

use std::sync::OnceLock;

use super::Machine;
use super::machine::ADDRESS;

/// Where its board listens.
pub const PORT: u16 = 7070;

impl Machine {
    /// Address and port of its board, which is called `pi`; started when it is first asked for.
    pub fn board(&self) -> &'static str {
        static BOARD: OnceLock<String> = OnceLock::new();
        BOARD.get_or_init(|| {
            let listen = format!("0.0.0.0:{PORT}");
            let argv = [
                "rtx-board",
                "--listen",
                &listen,
                "--name",
                "pi",
                "--insecure",
            ];
            self.start(&argv, "/tmp/board.log");
            self.await_port(PORT);
            format!("{ADDRESS}:{PORT}")
        })
    }
}
