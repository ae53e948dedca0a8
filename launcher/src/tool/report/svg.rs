//! Pieces of SVG and HTML as text.

use std::fmt::{Display, Write};

/// Colours of nodes, which can be told apart also by those who do not see red and green.
const COLOURS: [&str; 8] = [
    "#bbbbbb", "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#dd8844",
];

/// The colour of the node with this number; 0 is home.
pub(super) fn colour(node: usize) -> &'static str {
    match node {
        0 => COLOURS[0],
        board => COLOURS[1 + (board - 1) % (COLOURS.len() - 1)],
    }
}

/// Text that may stand in HTML, also between double quotes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML has no other control characters.
            '\n' | '\t' => out.push(' '),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A drawing that grows.
pub(super) struct Drawing {
    body: String,
    width: f64,
    height: f64,
}

impl Drawing {
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            body: String::new(),
            width,
            height,
        }
    }

    pub fn rect(&mut self, at: (f64, f64), size: (f64, f64), fill: &str, title: &str) {
        let ((x, y), (w, h)) = (at, size);
        let title = escaped(title);
        let _ = write!(
            self.body,
            "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{w:.2}\" height=\"{h:.2}\" \
             fill=\"{fill}\"><title>{title}</title></rect>"
        );
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let _ = write!(
            self.body,
            "<line x1=\"{:.2}\" y1=\"{:.2}\" x2=\"{:.2}\" y2=\"{:.2}\" class=\"{class}\"/>",
            from.0, from.1, to.0, to.1
        );
    }

    /// A filled outline through these points.
    pub fn area(&mut self, points: &[(f64, f64)], fill: &str, title: &str) {
        let points = joined(points);
        let title = escaped(title);
        let _ = write!(
            self.body,
            "<polygon points=\"{points}\" fill=\"{fill}\"><title>{title}</title></polygon>"
        );
    }

    pub fn path(&mut self, points: &[(f64, f64)], class: &str) {
        let points = joined(points);
        let _ = write!(
            self.body,
            "<polyline points=\"{points}\" class=\"{class}\"/>"
        );
    }

    /// Text whose baseline begins (`start`), ends (`end`) or has its middle (`middle`) there.
    pub fn text(&mut self, at: (f64, f64), anchor: &str, text: impl Display) {
        let text = escaped(&text.to_string());
        let _ = write!(
            self.body,
            "<text x=\"{:.2}\" y=\"{:.2}\" text-anchor=\"{anchor}\">{text}</text>",
            at.0, at.1
        );
    }

    pub fn finish(self) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {:.0}\" \
             width=\"{:.0}\" role=\"img\">{}</svg>\n",
            self.width, self.height, self.width, self.body
        )
    }
}

fn joined(points: &[(f64, f64)]) -> String {
    let mut out = String::new();
    for (x, y) in points {
        let _ = write!(out, "{x:.2},{y:.2} ");
    }
    out
}

/// At most about ten round numbers from 0 to `end`.
pub(super) fn ticks(end: f64) -> Vec<f64> {
    if !(end.is_finite() && end > 0.0) {
        return vec![0.0];
    }
    let power = 10f64.powf((end / 10.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let step = steps.map(|step| step * power);
    let step = step.into_iter().find(|step| end / step <= 10.0);
    let step = step.unwrap_or(10.0 * power);
    let count = (end / step * (1.0 + 1e-9)).floor() as u32;
    (0..=count).map(|i| f64::from(i) * step).collect()
}
