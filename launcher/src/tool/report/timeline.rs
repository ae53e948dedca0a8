//! The drawing of threads across nodes: a row for each thread, a colour for each node.

use std::collections::BTreeMap;

use rtx_runtime::report::Report;
use rtx_runtime::report::timeline::{HOME, StayReport};

use super::axis::{Axis, BOTTOM, LEFT, WIDTH};
use super::svg::{Drawing, colour};
use super::{nodes, seconds};

const ROW: f64 = 16.0;
const TOP: f64 = 8.0;
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
    let axis = Axis::of(report);
    let height = TOP + ROW * count as f64 + BOTTOM;
    let mut drawing = Drawing::new(WIDTH, height);
    axis.draw(&mut drawing, TOP, height - BOTTOM);
    for (row, (tid, stays)) in rows.iter().take(MOST_ROWS).enumerate() {
        let y = TOP + ROW * row as f64;
        drawing.text((LEFT - 6.0, y + 12.0), "end", tid);
        for stay in stays {
            let node = nodes.iter().position(|node| *node == stay.node);
            let x = axis.x(stay.from_s);
            let width = (axis.x(stay.to_s) - x).max(0.5);
            drawing.rect(
                (x, y + 2.0),
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
        let what = if stay.node == HOME {
            "stayed"
        } else {
            "went there"
        };
        text.push_str(&format!("; {what}: {}", stay.why));
    }
    match (&stay.cause, &stay.recall) {
        (_, Some(recall)) => text.push_str(&format!("; came home: {recall}")),
        (Some(cause), None) => text.push_str(&format!("; came home: {}", cause.meaning())),
        (None, None) => {}
    }
    text
}
