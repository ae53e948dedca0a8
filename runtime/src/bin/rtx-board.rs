//! `rtx-board`: the agent that lends this machine's cores to other machines' threads.
fn main() {}
