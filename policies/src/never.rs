//! `never`: the program is supervised, and stays at home.

use crate::{Decision, Policy, Snapshot};

/// Moves nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Never;

impl Policy for Never {
    fn name(&self) -> &str {
        "never"
    }

    fn decide(&mut self, _snapshot: &Snapshot) -> Vec<Decision> {
        Vec::new()
    }

    fn can_offload(&self) -> bool {
        false
    }
}
