//! Load over time: threads at each node, stacked, and pages per second.

use rtx_runtime::report::Report;
use rtx_runtime::report::timeline::Sample;

use super::axis::{Axis, BOTTOM, LEFT, RIGHT, WIDTH};
use super::nodes;
use super::svg::{Drawing, colour, ticks};

const HEIGHT: f64 = 180.0;
const TOP: f64 = 10.0;

/// A drawing with axes: time to the right, a quantity from 0 to `most` upward.
struct Axes {
    drawing: Drawing,
    time: Axis,
    most: f64,
}

impl Axes {
    fn new(report: &Report, most: f64) -> Self {
        let mut axes = Self {
            drawing: Drawing::new(WIDTH, HEIGHT),
            time: Axis::of(report),
            most: most.max(1.0),
        };
        let Self { drawing, time, .. } = &mut axes;
        time.draw(drawing, TOP, HEIGHT - BOTTOM);
        // Threads and pages are whole.
        for tick in ticks(axes.most)
            .into_iter()
            .filter(|tick| tick.fract() == 0.0)
        {
            let y = axes.y(tick);
            axes.drawing.line((LEFT, y), (RIGHT, y), "grid");
            axes.drawing.text((LEFT - 6.0, y + 4.0), "end", tick);
        }
        axes
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (value / self.most).clamp(0.0, 1.0) * (HEIGHT - BOTTOM - TOP)
    }
}

/// Threads at each node.
pub(super) fn threads(report: &Report) -> String {
    let load = &report.timeline.load;
    let at = |sample: &Sample, node: &str| sample.threads.get(node).copied().unwrap_or(0) as f64;
    let total = |sample: &Sample| sample.threads.values().sum::<u64>() as f64;
    let most = load.iter().map(total).fold(0.0, f64::max);
    let mut axes = Axes::new(report, most);
    let mut below = vec![0.0; load.len()];
    for (number, node) in nodes(report).iter().enumerate() {
        let above: Vec<f64> = load
            .iter()
            .zip(&below)
            .map(|(sample, below)| below + at(sample, node))
            .collect();
        let point = |i: usize, value: f64| (axes.time.x(load[i].t_s), axes.y(value));
        let up = above.iter().enumerate().map(|(i, v)| point(i, *v));
        let down = below.iter().enumerate().rev().map(|(i, v)| point(i, *v));
        let outline: Vec<(f64, f64)> = up.chain(down).collect();
        axes.drawing.area(&outline, colour(number), node);
        below = above;
    }
    axes.drawing.finish()
}

/// Pages per second, between one sample and the next.
pub(super) fn pages(report: &Report) -> String {
    let load = &report.timeline.load;
    let rates: Vec<(f64, f64)> = load
        .windows(2)
        .filter(|pair| pair[1].t_s > pair[0].t_s)
        .map(|pair| {
            let pages = pair[1].pages.saturating_sub(pair[0].pages) as f64;
            (pair[1].t_s, pages / (pair[1].t_s - pair[0].t_s))
        })
        .collect();
    let most = rates.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
    let mut axes = Axes::new(report, most);
    let points: Vec<(f64, f64)> = rates
        .iter()
        .map(|(t, rate)| (axes.time.x(*t), axes.y(*rate)))
        .collect();
    axes.drawing.path(&points, "rate");
    axes.drawing.finish()
}
