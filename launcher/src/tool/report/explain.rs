//! Why each thread moved, or did not, in sentences.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use rtx_runtime::report::Account;
use rtx_runtime::report::timeline::{HOME, StayReport};

use super::{ReportFileError, left_out, seconds};

/// Stays of one thread that are told one by one; of more, the rest is summed up.
const MOST_TOLD: usize = 20;

/// The sentences; `only`: of this thread.
pub(in crate::tool) fn explain(
    account: &Account,
    only: Option<i32>,
) -> Result<String, ReportFileError> {
    let mut stays: BTreeMap<i32, Vec<&StayReport>> = BTreeMap::new();
    for stay in &account.timeline.stays {
        stays.entry(stay.tid).or_default().push(stay);
    }
    // A number may be used for several threads, one after the other.
    let tids: BTreeSet<i32> = account
        .offloads
        .keys()
        .chain(stays.keys())
        .copied()
        .collect();
    if let Some(tid) = only.filter(|tid| !tids.contains(tid)) {
        return Err(ReportFileError::NoThread { tid });
    }
    let mut out = String::new();
    for tid in tids
        .into_iter()
        .filter(|tid| only.is_none_or(|only| only == *tid))
    {
        let stays = stays.get(&tid).map_or(&[][..], Vec::as_slice);
        thread(&mut out, account, tid, stays);
    }
    for note in &account.timeline.notes {
        let _ = writeln!(out, "After {}: {}.", seconds(note.t_s), note.text);
    }
    if only.is_none() && account.timeline.stays.is_empty() {
        out.push_str("The report has no timeline: it is of an older version, or nothing ran.\n");
    }
    for sentence in left_out(&account.timeline) {
        let _ = writeln!(out, "{sentence}");
    }
    Ok(out)
}

fn thread(out: &mut String, account: &Account, tid: i32, stays: &[&StayReport]) {
    let away: Vec<&&StayReport> = stays.iter().filter(|stay| stay.node != HOME).collect();
    let offloads = account.offloads.get(&tid).copied().unwrap_or_default();
    if tid == 0 {
        let _ = writeln!(
            out,
            "Threads that are not told one by one went to boards {offloads} times."
        );
        return;
    }
    let from = stays.first().map(|stay| stay.from_s);
    let began = from.map_or(String::new(), |from| format!(", from {} on", seconds(from)));
    if away.is_empty() && offloads == 0 {
        let _ = writeln!(
            out,
            "Thread {tid}{began}: it never left home. {}",
            why_not(account, tid, stays)
        );
        return;
    }
    let _ = writeln!(
        out,
        "Thread {tid}{began}: it went to boards {offloads} times."
    );
    for stay in away.iter().take(MOST_TOLD) {
        let _ = writeln!(out, "  {}", told(stay));
    }
    if away.len() > MOST_TOLD {
        let rest = &away[MOST_TOLD..];
        let time: f64 = rest.iter().map(|stay| stay.to_s - stay.from_s).sum();
        let _ = writeln!(
            out,
            "  {} more stays on boards, together {}.",
            rest.len(),
            seconds(time)
        );
    }
    for sentence in refusals(account, tid) {
        let _ = writeln!(out, "  {sentence}");
    }
    if let Some(why) = account.stays.get(&tid) {
        let _ = writeln!(out, "  It is at home. {}", left_there(account, why));
    }
}

fn told(stay: &StayReport) -> String {
    let (from, took) = (seconds(stay.from_s), seconds(stay.to_s - stay.from_s));
    let why = match stay.why.as_str() {
        "" => String::new(),
        why => format!(" because {why}"),
    };
    let back = match (&stay.cause, &stay.recall) {
        (_, Some(recall)) => format!("It came home because the policy wanted it: {recall}."),
        (Some(cause), None) => format!("It came home: {}", lower(cause.meaning())),
        (None, None) if stay.goes_on => "It is still there.".to_owned(),
        (None, None) => "It ended there, or with the program.".to_owned(),
    };
    format!(
        "After {from} it went to {}{why}, for {took}. {back}",
        stay.node
    )
}

/// Why a thread never left.
fn why_not(account: &Account, tid: i32, stays: &[&StayReport]) -> String {
    let refusals = refusals(account, tid);
    if !refusals.is_empty() {
        return refusals.join(" ");
    }
    if account.boards.is_empty() {
        return "The job had no boards.".to_owned();
    }
    let at_last = stays.last().map(|stay| &stay.why);
    let at_last = at_last.filter(|why| !why.is_empty());
    match account.stays.get(&tid).or(at_last) {
        Some(why) => left_there(account, why),
        None => format!("The policy {} did not want it on a board.", account.policy),
    }
}

fn left_there(account: &Account, why: &str) -> String {
    let policy = &account.policy;
    format!("At the last look the policy {policy} left it there because {why}.")
}

fn refusals(account: &Account, tid: i32) -> Vec<String> {
    let of_thread = account.timeline.refused.iter().filter(|r| r.tid == tid);
    of_thread
        .map(|refused| {
            let times = match refused.times {
                1 => "once".to_owned(),
                times => format!("{times} times"),
            };
            format!(
                "The policy wanted it on a board and it stayed, {times}, at last after {}: {}.",
                seconds(refused.last_s),
                refused.reason.meaning()
            )
        })
        .collect()
}

fn lower(sentence: &str) -> String {
    let mut chars = sentence.chars();
    let first = chars.next().map(|c| c.to_lowercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}
