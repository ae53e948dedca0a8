//! rtx-run
fn main() {}
