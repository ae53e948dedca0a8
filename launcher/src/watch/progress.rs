//! `--progress`: a line at the bottom of the terminal that shows where threads are.
//!
//! The program writes to the same terminal, when and what it likes. So the line has the last row to itself: the
//! rest of the screen is made the scrolling region, in which the program's output moves as ever. Each drawing is one
//! write, which saves and restores the cursor, so that nothing of it can mix with the program's.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};

use console::Term;

/// The line; clones are the same line.
#[derive(Clone)]
pub struct StatusLine(Arc<Mutex<State>>);

struct State {
    term: Term,
    /// The rows of the screen for which the region is set; 0: it is not.
    rows: u16,
}

impl StatusLine {
    /// On stderr, if that is a terminal that can be drawn on.
    pub fn on_stderr() -> Option<Self> {
        let term = Term::stderr();
        let dumb = std::env::var_os("TERM").is_none_or(|kind| kind == "dumb" || kind.is_empty());
        let line = Self(Arc::new(Mutex::new(State { term, rows: 0 })));
        let drawn = {
            let state = line.0.lock().expect("nobody panics holding it");
            state.term.is_term() && !dumb
        };
        drawn.then_some(line)
    }

    /// Shows this text.
    pub fn draw(&self, text: &str) {
        let mut state = self.0.lock().expect("nobody panics holding it");
        let Some((rows, columns)) = state.term.size_checked() else {
            return;
        };
        // In the background the terminal is another's.
        if !in_foreground() || rows < 3 {
            return;
        }
        let bytes = drawing(state.rows, rows, columns, text);
        state.rows = rows;
        write(&bytes);
    }

    /// Gives the row back: at the end, and before this process is stopped.
    pub fn clear(&self) {
        let mut state = self.0.lock().expect("nobody panics holding it");
        if std::mem::take(&mut state.rows) != 0 {
            let rows = state.term.size_checked().map_or(0, |(rows, _)| rows);
            write(&clearing(rows));
        }
    }
}

fn in_foreground() -> bool {
    let stderr = std::io::stderr();
    nix::unistd::tcgetpgrp(stderr.as_fd()).is_ok_and(|group| group == nix::unistd::getpgrp())
}

/// In one write.
fn write(bytes: &str) {
    // Whether anybody can read it is not our trouble.
    let _ = std::io::stderr().write_all(bytes.as_bytes());
}

/// What draws the text on the last of `rows`, of which `before` were set up.
fn drawing(before: u16, rows: u16, columns: u16, text: &str) -> String {
    let text = console::truncate_str(text, usize::from(columns.max(1)) - 1, "");
    let mut out = String::new();
    if before != rows {
        if before == 0 {
            // A cursor in the last row makes room first.
            out.push_str("\n\x1b[A");
        }
        let last = rows - 1;
        out.push_str(&format!("\x1b7\x1b[1;{last}r\x1b8"));
    }
    out.push_str(&format!(
        "\x1b7\x1b[{rows};1H\x1b[2K\x1b[2m{text}\x1b[m\x1b8"
    ));
    out
}

/// What clears it, and makes the whole screen scroll again.
fn clearing(rows: u16) -> String {
    format!("\x1b7\x1b[r\x1b[{rows};1H\x1b[2K\x1b8")
}

/// The words of the line; rates are per second.
pub(super) fn text(t_s: f64, threads: &BTreeMap<String, u64>, pages: f64, bytes: f64) -> String {
    let mut text = format!("rtx {t_s:.0} s");
    for (node, count) in threads {
        let node: String = node.chars().filter(|c| !c.is_control()).collect();
        text.push_str(&format!("  {node} {count}"));
    }
    text + format!("  {pages:.0} pages/s  {:.1} MB/s", bytes / 1e6).as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: u16 = 6;

    fn rows_of(parser: &vt100::Parser) -> Vec<String> {
        parser.screen().rows(0, 20).collect()
    }

    /// The screen of a program that has written `before` lines, then is drawn on after each line.
    fn screen(before: usize, lines: usize) -> vt100::Parser {
        let mut parser = vt100::Parser::new(ROWS, 20, 100);
        for i in 0..before {
            parser.process(format!("old {i}\r\n").as_bytes());
        }
        let mut set = 0;
        for i in 0..lines {
            // Also in the middle of a line of the program's.
            parser.process(b"li");
            let drawn = drawing(set, ROWS, 20, &format!("status {i}")).replace('\n', "\r\n");
            // The first is drawn before the program writes anything.
            if i == 0 {
                parser.process(b"\r\x1b[K");
                parser.process(drawn.as_bytes());
                parser.process(b"li");
            } else {
                parser.process(drawn.as_bytes());
            }
            set = ROWS;
            parser.process(format!("ne {i}\r\n").as_bytes());
        }
        parser
    }

    #[test]
    fn the_programs_lines_stay_whole_above_the_status() {
        for before in [0, 1, 4, 5, 6, 20] {
            let rows = rows_of(&screen(before, 10));
            assert_eq!(rows[5], "status 9", "{before}: {rows:?}");
            assert_eq!(rows[4], "", "{before}: {rows:?}");
            let expected = ["line 6", "line 7", "line 8", "line 9"];
            assert_eq!(rows[..4], expected, "{before}: {rows:?}");
        }
        let rows = rows_of(&screen(0, 2));
        assert_eq!(rows[..3], ["line 0", "line 1", ""], "{rows:?}");
    }

    #[test]
    fn clearing_leaves_only_the_programs_output() {
        let mut parser = screen(0, 10);
        parser.process(clearing(ROWS).as_bytes());
        assert_eq!(rows_of(&parser)[4..], ["", ""]);
        for i in 10..13 {
            parser.process(format!("line {i}\r\n").as_bytes());
        }
        let rows = rows_of(&parser);
        assert_eq!(
            rows[..5],
            ["line 8", "line 9", "line 10", "line 11", "line 12"]
        );
    }

    #[test]
    fn the_text_fits_and_moves_no_cursor() {
        let threads = BTreeMap::from([("home".to_owned(), 2), ("b\x1b[2J".to_owned(), 1)]);
        let shown = text(12.4, &threads, 1234.0, 5e6);
        assert_eq!(shown, "rtx 12 s  b[2J 1  home 2  1234 pages/s  5.0 MB/s");
        let mut parser = vt100::Parser::new(ROWS, 20, 0);
        parser.process(
            drawing(0, ROWS, 20, &shown)
                .replace('\n', "\r\n")
                .as_bytes(),
        );
        assert_eq!(rows_of(&parser)[5], "rtx 12 s  b[2J 1  h");
    }
}
