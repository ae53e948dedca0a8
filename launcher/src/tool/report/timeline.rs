//! The drawing of threads across nodes: a row for each thread, a colour for each node.

use std::collections::BTreeMap;

use rtx_runtime::report::Report;
use rtx_runtime::report::timeline::StayReport;

use super::svg::{Drawing, colour, ticks};
use super::{nodes, seconds};

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 80.0;
const ROW: f64 = 16.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 24.0;
/// Threads that are drawn; more are no longer told apart.
const MOST_ROWS: usize = 400;

/// The drawing, and how many threads it leaves out.
pub(super) fn timeline(report: &Report) -> (String, usize) {
    let nodes = nodes(report);
    let mut rows: BTreeMap<i32, Vec<&StayReport>> = BTreeMap::new();
    for stay in &report.timeline.stays {
        rows.entry(stay.tid).or_default().push(stay);
    }
    let left_out = rows.len().saturating_sub(MOST_ROWS);
    let count = rows.len() - left_out;
    let end = end(report);
    let x = |t: f64| LEFT + (t / end).clamp(0.0, 1.0) * (WIDTH - LEFT - 10.0);
    let height = TOP + ROW * count as f64 + BOTTOM;
    let mut drawing = Drawing::new(WIDTH, height);
    for tick in ticks(end) {
        let bottom = height - BOTTOM;
        drawing.line((x(tick), TOP), (x(tick), bottom), "grid");
        drawing.text((x(tick), bottom + 14.0), "middle", label(tick));
    }
    for (row, (tid, stays)) in rows.iter().take(MOST_ROWS).enumerate() {
        let y = TOP + ROW * row as f64;
        drawing.text((LEFT - 6.0, y + 12.0), "end", tid);
        for stay in stays {
            let node = nodes.iter().position(|node| *node == stay.node);
            let width = (x(stay.to_s) - x(stay.from_s)).max(0.5);
            drawing.rect(
                (x(stay.from_s), y + 2.0),
                (width, ROW - 4.0),
                colour(node.unwrap_or(0)),
                &told(stay),
            );
        }
    }
    (drawing.finish(), left_out)
}

fn told(stay: &StayReport) -> String {
    let StayReport {
        tid, node, from_s, ..
    } = stay;
    let took = seconds(stay.to_s - from_s);
    let mut text = format!(
        "thread {tid} at {node} from {} for {took}",
        seconds(*from_s)
    );
    if !stay.why.is_empty() {
        text.push_str(&format!("; went there: {}", stay.why));
    }
    match (&stay.cause, &stay.recall) {
        (_, Some(recall)) => text.push_str(&format!("; came home: {recall}")),
        (Some(cause), None) => text.push_str(&format!("; came home: {}", cause.meaning())),
        (None, None) => {}
    }
    text
}

/// The end of the time that is drawn.
pub(super) fn end(report: &Report) -> f64 {
    let stays = report.timeline.stays.iter().map(|stay| stay.to_s);
    let load = report.timeline.load.iter().map(|sample| sample.t_s);
    stays.chain(load).fold(report.wall_s, f64::max).max(1e-6)
}

/// A time on the axis.
pub(super) fn label(t: f64) -> String {
    match t == 0.0 {
        true => "0".to_owned(),
        false => seconds(t),
    }
}
