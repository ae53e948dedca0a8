//! The axis of time, which drawings that stand below each other share.

use rtx_runtime::report::Report;

use super::seconds;
use super::svg::{Drawing, ticks};

/// How wide drawings with this axis are.
pub(super) const WIDTH: f64 = 1000.0;
/// Where time begins; what rows and values are called stands before.
pub(super) const LEFT: f64 = 80.0;
/// Where time ends: half a label has room after the last tick.
pub(super) const RIGHT: f64 = WIDTH - 32.0;
/// Room for labels below the drawing.
pub(super) const BOTTOM: f64 = 24.0;

/// Time to the right, from 0.
pub(super) struct Axis {
    /// The end of the time that is drawn, in seconds.
    end: f64,
}

impl Axis {
    /// All of a report's time.
    pub fn of(report: &Report) -> Self {
        let stays = report.timeline.stays.iter().map(|stay| stay.to_s);
        let load = report.timeline.load.iter().map(|sample| sample.t_s);
        let end = stays.chain(load).fold(report.wall_s, f64::max).max(1e-6);
        Self { end }
    }

    /// Where a time in seconds is.
    pub fn x(&self, t: f64) -> f64 {
        LEFT + (t / self.end).clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    /// Lines from top to bottom at round times, with labels below.
    pub fn draw(&self, drawing: &mut Drawing, top: f64, bottom: f64) {
        for tick in ticks(self.end) {
            let x = self.x(tick);
            drawing.line((x, top), (x, bottom), "grid");
            let label = match tick == 0.0 {
                true => "0".to_owned(),
                false => seconds(tick),
            };
            drawing.text((x, bottom + 14.0), "middle", label);
        }
    }
}
