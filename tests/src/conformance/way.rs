//! Which builds of the programs are run, and on which boards.

use super::program::Claims;
use crate::Run;

/// How the programs are built and where their threads may go. The default: by the platform's compiler, to
/// boards on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    /// Built by rtx-cc. Boards on this machine then take threads as those of another instruction set do:
    /// only at equivalence points.
    pub rtx_cc: bool,
    /// Boards from the outside, as `--boards` takes them.
    pub boards: Option<String>,
    /// They have no certificates.
    pub insecure: bool,
}

impl Way {
    /// Gives a run under `rtx-run` its boards: the ones from the outside, else two on this machine.
    pub(super) fn with_boards(&self, run: Run) -> Run {
        let boards = self.boards.as_deref().unwrap_or("local:2");
        let run = match self.rtx_cc && self.boards.is_none() {
            true => run.variable("RTX_ONLY_AT_POINTS", "true"),
            false => run,
        };
        let run = run.flags(["--boards", boards]);
        match self.insecure {
            true => run.flags(["--insecure"]),
            false => run,
        }
    }

    /// What a program's runs must show of its claims. A thread of rtx-cc comes home before it forks, and leaves only
    /// at an equivalence point: it may make any call at home.
    pub(super) fn asks(&self, claims: &Claims) -> Claims {
        let mut claims = claims.clone();
        if self.rtx_cc {
            claims.calls.clear();
            claims.seldom = Some("it moves at equivalence points only".to_owned());
        }
        claims
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_rtx_cc_make_their_calls_anywhere_but_move_for_known_causes_only() {
        let claims = Claims::read("/* x\n * calls: fork\n * recalls: fault */").expect("claims");
        assert_eq!(Way::default().asks(&claims), claims);
        let way = Way {
            rtx_cc: true,
            ..Way::default()
        };
        let asked = way.asks(&claims);
        assert!(asked.calls.is_empty() && asked.seldom.is_some());
        assert_eq!(asked.recalls, claims.recalls);
    }
}
