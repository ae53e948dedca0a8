//! What is wrong with a program's run, if anything.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::mode::Mode;
use super::program::{Claims, Program};
use super::successors::is_made_as;
use super::way::Way;
use super::{outcome, outcome_of, words};
use crate::compare::same;
use crate::{Outcome, Report, Status};

/// How a program says that something is not as it must be (`die` in conform.h).
const FAILED: Status = Status::Exited(99);

/// Why threads come home in any program.
const ORDINARY: [&str; 4] = ["policy", "native-call", "signal", "detach"];

/// Moves that a run under `shuffle` must show for each of its seeds, on average.
const MANY: u64 = 4;

/// Further runs that a program gets to be met on a board and to move: where a thread is when it makes its calls,
/// and how long a run takes, is chance.
const CHANCES: u64 = 16;

/// What came of a program in one mode.
pub type Verdict = Result<(), String>;

/// Runs a program in all modes: a verdict for each, in their order.
pub fn judge(program: &Program, modes: &[Mode], way: &Way) -> Vec<Verdict> {
    let guest = match outcome_of(|| program.build(way)) {
        Ok(guest) => guest,
        Err(what) => return modes.iter().map(|_| Err(what.clone())).collect(),
    };
    let native = match outcome(Mode::Native.run(program, &guest, way)) {
        Ok(native) => native,
        Err(what) => return modes.iter().map(|_| Err(what.clone())).collect(),
    };
    let mut shuffled = Shuffled::default();
    let mut verdicts: Vec<Verdict> = Vec::new();
    for &mode in modes {
        let verdict = outcome(mode.run(program, &guest, way)).and_then(|run| {
            compare(&native, &run)?;
            let claims = way.asks(&program.claims);
            match mode {
                Mode::Native if run.status() == FAILED => Err(format!("it fails\n{run}")),
                Mode::Native | Mode::Never => Ok(()),
                Mode::Static => on_boards(&claims, &run.report(), || {
                    let run = outcome(mode.run(program, &guest, way))?;
                    compare(&native, &run)?;
                    Ok(run.report())
                }),
                Mode::Shuffle(_) => shuffled.add(&claims, &run.report()),
            }
        });
        verdicts.push(verdict);
    }
    let last = modes
        .iter()
        .rposition(|mode| matches!(mode, Mode::Shuffle(_)));
    if let Some(last) = last.filter(|last| verdicts[*last].is_ok()) {
        verdicts[last] = shuffled.verdict(&way.asks(&program.claims), |seed| {
            let run = outcome(Mode::Shuffle(seed).run(program, &guest, way))?;
            compare(&native, &run).map_err(|what| format!("{}: {what}", Mode::Shuffle(seed)))?;
            Ok(run.report())
        });
    }
    verdicts
}

/// Both runs ended alike and wrote the same.
pub fn compare(native: &Outcome, other: &Outcome) -> Verdict {
    catch_unwind(AssertUnwindSafe(|| same(native, other))).map_err(|panic| words(panic.as_ref()))
}

/// What runs under `static` must show together: after a signal, say, a thread stays at home for a
/// moment, and may make one call or the other there. `again` makes another run.
fn on_boards(
    claims: &Claims,
    report: &Report,
    again: impl Fn() -> Result<Report, String>,
) -> Verdict {
    causes(claims, report)?;
    if claims.home.is_some() {
        return Ok(());
    }
    let mut offloads = report.offloads();
    let mut made = report.calls_made();
    for _ in 0..CHANCES {
        if offloads > 0 && missing(claims, &made).is_ok() {
            break;
        }
        let report = again()?;
        causes(claims, &report)?;
        offloads += report.offloads();
        made.extend(report.calls_made());
    }
    if offloads == 0 {
        return Err("no thread went to a board".to_owned());
    }
    missing(claims, &made)
}

/// Threads came home for no other causes than those that are allowed.
fn causes(claims: &Claims, report: &Report) -> Verdict {
    let allowed =
        |cause: &&String| ORDINARY.contains(&cause.as_str()) || claims.recalls.contains(cause);
    match report.recall_causes.keys().find(|cause| !allowed(cause)) {
        None => Ok(()),
        Some(cause) => Err(format!(
            "{} recalls by {cause}, which its `recalls:` does not name",
            report.recall_causes[cause]
        )),
    }
}

/// All calls of `calls:` were made from a board.
fn missing(claims: &Claims, made: &BTreeSet<String>) -> Verdict {
    match claims.calls.iter().find(|name| !is_made_as(name, made)) {
        None => Ok(()),
        Some(name) => Err(format!(
            "{name} was not called from a board; these were: {made:?}"
        )),
    }
}

/// What runs under `shuffle` have shown so far.
#[derive(Default)]
struct Shuffled {
    runs: u64,
    moves: u64,
    made: BTreeSet<String>,
}

impl Shuffled {
    fn add(&mut self, claims: &Claims, report: &Report) -> Verdict {
        self.runs += 1;
        self.moves += report.moves();
        self.made.extend(report.calls_made());
        causes(claims, report)
    }

    /// What all runs together must show. `again` makes another one, under a seed of its own.
    fn verdict(
        mut self,
        claims: &Claims,
        mut again: impl FnMut(u64) -> Result<Report, String>,
    ) -> Verdict {
        let many = match claims.withdraws.as_ref().or(claims.seldom.as_ref()) {
            Some(_) => 1,
            None => MANY * self.runs,
        };
        let calls = |made: &BTreeSet<String>| match claims.home {
            Some(_) => missing(claims, made),
            None => Ok(()),
        };
        for seed in 1000..1000 + CHANCES {
            if self.moves >= many && calls(&self.made).is_ok() {
                break;
            }
            let report = again(seed)?;
            self.add(claims, &report)?;
        }
        if self.moves < many {
            return Err(format!("only {} moves in {} runs", self.moves, self.runs));
        }
        calls(&self.made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(text: &str) -> Claims {
        Claims::read(&format!("/* {text} */")).expect("claims")
    }

    fn report(calls: &[&str], causes: &[&str], moves: u64) -> Report {
        let calls = calls
            .iter()
            .map(|name| format!(r#"{{"name":"{name}","nr":1,"count":1}}"#));
        let calls: Vec<String> = calls.collect();
        let causes: Vec<String> = causes.iter().map(|c| format!(r#""{c}":2"#)).collect();
        let none = r#"{"p50":0,"p90":0,"p99":0,"max":0,"count":0}"#;
        let text = format!(
            r#"{{"schema":"rtx.report.v1","program":"p","args":[],"exit":{{"code":0,"signal":null}},
            "wall_s":1,"policy":"static","boards":[],"calls":[{}],"recall_causes":{{{}}},
            "threads":[{{"tid":1,"home_s":0,"board_s":0,"offloads":{moves},"recalls":0,
            "back_migrations":0,"home_calls":0}}],
            "pages":{{"read":0,"write":0,"upgrade":0,"invalidated":0,"prefetched":0,"zero":0,"bytes":0}},
            "latency_us":{{"fault":{none},"freeze":{none},"offload":{none},"back_migration":{none},
            "cross_isa":{none},"to_point":{none},"from_point":{none}}},"crossings":0,"isa_s":{{}},"stays":{{}}}}"#,
            calls.join(","),
            causes.join(",")
        );
        serde_json::from_str(&text).expect("a report")
    }

    /// A program whose runs under `static` are all like this one.
    fn always(claims: &Claims, report: &Report) -> Verdict {
        on_boards(claims, report, || Ok(report.clone()))
    }

    #[test]
    fn a_call_must_come_from_a_board() {
        let needs = claims("calls: mmap futex");
        let both = report(&["futex", "mmap"], &["policy"], 1);
        assert_eq!(always(&needs, &both), Ok(()));
        let one = report(&["futex"], &[], 1);
        let error = always(&needs, &one).expect_err("no mmap");
        assert!(
            error.starts_with("mmap was not called from a board"),
            "{error}"
        );
        assert_eq!(on_boards(&needs, &one, || Ok(both.clone())), Ok(()));
        let fails = || Err("it fails".to_owned());
        assert_eq!(on_boards(&needs, &one, fails), fails().map(drop));
        assert!(always(&claims("calls: none"), &report(&[], &[], 0)).is_err());
    }

    #[test]
    fn other_recalls_must_be_allowed() {
        let seen = report(&[], &["native-call", "unwatched-memory"], 1);
        let error = always(&claims("calls: none"), &seen).expect_err("not allowed");
        assert!(
            error.starts_with("2 recalls by unwatched-memory"),
            "{error}"
        );
        let allows = claims("calls: none\nrecalls: unwatched-memory");
        assert_eq!(always(&allows, &seen), Ok(()));
    }

    #[test]
    fn few_moves_are_too_few() {
        let none = claims("calls: none");
        let shuffled = || {
            let mut shuffled = Shuffled::default();
            for moves in [MANY, MANY - 1] {
                let seen = report(&[], &[], moves);
                shuffled.add(&none, &seen).expect("fine");
            }
            shuffled
        };
        let (runs, moves) = (2 + CHANCES, 2 * MANY - 1);
        let verdict = shuffled().verdict(&none, |_| Ok(report(&[], &[], 0)));
        assert_eq!(verdict, Err(format!("only {moves} moves in {runs} runs")));
        let mut tries = 0;
        let verdict = shuffled().verdict(&none, |_| {
            tries += 1;
            Ok(report(&[], &[], 1))
        });
        assert_eq!((verdict, tries), (Ok(()), 1));
    }

    #[test]
    fn who_moves_seldom_gets_further_chances_to_move() {
        let claims = claims("calls: none\nwithdraws: it may");
        let mut tries = 0;
        let verdict = Shuffled::default().verdict(&claims, |_| {
            tries += 1;
            Ok(report(&[], &[], u64::from(tries == 2)))
        });
        assert_eq!((verdict, tries), (Ok(()), 2));
        let never = Shuffled::default().verdict(&claims, |_| Ok(report(&[], &[], 0)));
        let expected = format!("only 0 moves in {CHANCES} runs");
        assert_eq!(never, Err(expected));
    }

    #[test]
    fn a_body_in_the_main_thread_gets_further_chances() {
        let claims = claims("calls: mmap\nhome: exec");
        let mut tries = 0;
        let verdict = Shuffled::default().verdict(&claims, |_| {
            tries += 1;
            Ok(report(if tries == 3 { &["mmap"] } else { &[] }, &[], MANY))
        });
        assert_eq!((verdict, tries), (Ok(()), 3));
        let never = |_| Ok(report(&[], &[], MANY));
        assert!(Shuffled::default().verdict(&claims, never).is_err());
    }
}
