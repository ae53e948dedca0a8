//! Why each thread moved, or did not, in sentences.

use std::collections::BTreeMap;
use std::fmt::Write;

use rtx_runtime::report::timeline::{HOME, StayReport};
use rtx_runtime::report::{Report, ThreadReport};

use super::{ReportFileError, left_out, seconds};

/// Stays of one thread that are told one by one; of more, the rest is summed up.
const MOST_TOLD: usize = 20;

/// The sentences; `only`: of this thread.
pub(in crate::tool) fn explain(
    report: &Report,
    only: Option<i32>,
) -> Result<String, ReportFileError> {
    let mut stays: BTreeMap<i32, Vec<&StayReport>> = BTreeMap::new();
    for stay in &report.timeline.stays {
        stays.entry(stay.tid).or_default().push(stay);
    }
    // Sorted by tid, one each: a number may be used for several threads, one after the other.
    let mut tids: Vec<i32> = report.threads.iter().map(|thread| thread.tid).collect();
    tids.extend(stays.keys());
    tids.sort_unstable();
    tids.dedup();
    if let Some(tid) = only
        && !tids.contains(&tid)
    {
        return Err(ReportFileError::NoThread { tid });
    }
    let mut out = String::new();
    for tid in tids
        .into_iter()
        .filter(|tid| only.is_none_or(|only| only == *tid))
    {
        let stays = stays.get(&tid).map_or(&[][..], Vec::as_slice);
        let of_tid = report.threads.iter().filter(|thread| thread.tid == tid);
        thread(&mut out, report, tid, stays, &of_tid.collect::<Vec<_>>());
    }
    for note in &report.timeline.notes {
        let _ = writeln!(out, "After {}: {}.", seconds(note.t_s), note.text);
    }
    if only.is_none() && report.timeline.stays.is_empty() {
        out.push_str("The report has no timeline: it is of an older version, or nothing ran.\n");
    }
    for sentence in left_out(&report.timeline) {
        let _ = writeln!(out, "{sentence}");
    }
    Ok(out)
}

fn thread(
    out: &mut String,
    report: &Report,
    tid: i32,
    stays: &[&StayReport],
    counts: &[&ThreadReport],
) {
    let away: Vec<&&StayReport> = stays.iter().filter(|stay| stay.node != HOME).collect();
    let offloads: u64 = counts.iter().map(|thread| thread.offloads).sum();
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
            why_not(report, tid)
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
    for sentence in refusals(report, tid) {
        let _ = writeln!(out, "  {sentence}");
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
        (None, None) => "It ended there, or with the program.".to_owned(),
    };
    format!(
        "After {from} it went to {}{why}, for {took}. {back}",
        stay.node
    )
}

/// Why a thread never left.
fn why_not(report: &Report, tid: i32) -> String {
    let refusals = refusals(report, tid);
    if !refusals.is_empty() {
        return refusals.join(" ");
    }
    match (report.boards.is_empty(), report.policy.as_str()) {
        (true, _) => "The job had no boards.".to_owned(),
        (false, policy) => format!("The policy {policy} did not want it on a board."),
    }
}

fn refusals(report: &Report, tid: i32) -> Vec<String> {
    let of_thread = report.timeline.refused.iter().filter(|r| r.tid == tid);
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
