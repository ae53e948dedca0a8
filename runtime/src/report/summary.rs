//! A report for people: what `--summary` prints to stderr when the job has ended.

use std::fmt::Write;

use super::schema::{Exit, Percentiles, Report};

/// Threads that are listed one by one; more are summed up.
const LISTED: usize = 32;

/// A table: the first column left-aligned, the others right-aligned.
struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(head: &[&str]) -> Self {
        Self {
            rows: vec![head.iter().map(|cell| (*cell).to_owned()).collect()],
        }
    }

    fn row(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.rows[0].len(), "a row fills its table");
        self.rows.push(cells);
    }

    fn render(&self, out: &mut String) {
        let width = |column: usize| {
            let widths = self.rows.iter().map(|row| row[column].chars().count());
            widths.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        for row in &self.rows {
            let mut line = format!("  {:<1$}", row[0], widths[0]);
            for (cell, width) in row.iter().zip(&widths).skip(1) {
                let _ = write!(line, "  {cell:>width$}");
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
}

impl Report {
    /// The report as a few aligned lines of text, with units.
    pub fn summary(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "rtx: {} {} after {}, policy {}",
            self.program,
            ended(self.exit),
            seconds(self.wall_s),
            self.policy
        );
        if let Some(crash) = &self.crash {
            let _ = write!(out, "rtx: {crash}");
        }
        if !self.boards.is_empty() {
            self.boards_table().render(&mut out);
        }
        self.threads_table().render(&mut out);
        self.crossings_line(&mut out);
        self.pages_line(&mut out);
        if let Some(energy) = &self.energy {
            out.push_str(&energy.line());
        }
        self.latency_table().render(&mut out);
        out
    }

    fn boards_table(&self) -> Table {
        let mut table = Table::new(&["board", "isa", "address", "cpu time"]);
        for board in &self.boards {
            table.row(vec![
                board.name.clone(),
                board.isa.clone(),
                board.address.clone(),
                seconds(board.threads_s),
            ]);
        }
        table
    }

    fn threads_table(&self) -> Table {
        let mut table = Table::new(&[
            "thread",
            "at home",
            "on boards",
            "offloads",
            "recalls",
            "back-migrations",
            "home calls",
        ]);
        for thread in self.threads.iter().take(LISTED) {
            table.row(vec![
                thread.tid.to_string(),
                seconds(thread.home_s),
                seconds(thread.board_s),
                thread.offloads.to_string(),
                thread.recalls.to_string(),
                thread.back_migrations.to_string(),
                thread.home_calls.to_string(),
            ]);
        }
        let rest = self.threads.get(LISTED..).unwrap_or_default();
        if !rest.is_empty() {
            table.row(vec![
                format!("{} more", rest.len()),
                seconds(rest.iter().map(|t| t.home_s).sum()),
                seconds(rest.iter().map(|t| t.board_s).sum()),
                rest.iter().map(|t| t.offloads).sum::<u64>().to_string(),
                rest.iter().map(|t| t.recalls).sum::<u64>().to_string(),
                rest.iter()
                    .map(|t| t.back_migrations)
                    .sum::<u64>()
                    .to_string(),
                rest.iter().map(|t| t.home_calls).sum::<u64>().to_string(),
            ]);
        }
        table
    }

    /// Whether threads moved between instruction sets, or were to.
    fn crosses(&self) -> bool {
        self.crossings > 0 || !self.stays.is_empty()
    }

    /// What happened between instruction sets, if anything.
    fn crossings_line(&self, out: &mut String) {
        if !self.crosses() {
            return;
        }
        let times = self.isa_s.iter();
        let times: Vec<String> = times
            .map(|(isa, s)| format!("{} on {isa}", seconds(*s)))
            .collect();
        let stayed: u64 = self.stays.values().sum();
        let _ = writeln!(
            out,
            "  instruction sets: {} moves between them, {stayed} times a thread stayed; {}",
            self.crossings,
            times.join(", ")
        );
    }

    fn pages_line(&self, out: &mut String) {
        let pages = &self.pages;
        let _ = writeln!(
            out,
            "  pages: {} read, {} written, {} upgraded, {} invalidated, {} prefetched, {} zero; {}",
            pages.read,
            pages.write,
            pages.upgrade,
            pages.invalidated,
            pages.prefetched,
            pages.zero,
            bytes(pages.bytes)
        );
    }

    fn latency_table(&self) -> Table {
        let mut table = Table::new(&["latency", "p50", "p90", "p99", "max", "count"]);
        let latency = &self.latency_us;
        let kinds = [
            ("fault", &latency.fault),
            ("freeze", &latency.freeze),
            ("offload", &latency.offload),
            ("back-migration", &latency.back_migration),
        ];
        let crossing = [
            ("cross-isa", &latency.cross_isa),
            ("to its point", &latency.to_point),
            ("from there", &latency.from_point),
        ];
        let crossing = crossing.into_iter().filter(|_| self.crosses());
        for (name, values) in kinds.into_iter().chain(crossing) {
            table.row(latency_row(name, values));
        }
        table
    }
}

fn latency_row(name: &str, values: &Percentiles) -> Vec<String> {
    let mut row = vec![name.to_owned()];
    let durations = [values.p50, values.p90, values.p99, values.max];
    row.extend(durations.map(|us| match values.count {
        0 => "-".to_owned(),
        _ => seconds(us / 1e6),
    }));
    row.push(values.count.to_string());
    row
}

fn ended(exit: Exit) -> String {
    match (exit.code, exit.signal) {
        (_, Some(signal)) => format!("was ended by signal {signal}"),
        (Some(code), None) => format!("exited with {code}"),
        (None, None) => "ended".to_owned(),
    }
}

/// A duration given in seconds, in the unit that fits.
fn seconds(s: f64) -> String {
    if s >= 1.0 || s == 0.0 {
        format!("{s:.2} s")
    } else if s >= 1e-3 {
        format!("{:.1} ms", s * 1e3)
    } else {
        format!("{:.1} us", s * 1e6)
    }
}

/// An amount of data, in the unit that fits.
fn bytes(n: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let fitting = UNITS.iter().find(|(_, size)| n >= *size);
    fitting.map_or_else(
        || format!("{n} bytes"),
        |(unit, size)| format!("{:.1} {unit}", n as f64 / *size as f64),
    )
}

#[cfg(test)]
mod tests {
    use super::super::schema::{ThreadReport, sample};
    use super::*;

    #[test]
    fn the_summary_is_aligned_and_has_units() {
        let expected = "\
rtx: target/guest/x86_64/matmul exited with 0 after 3.25 s, policy static
  board       isa          address  cpu time
  local-1  x86_64  127.0.0.1:40001    6.50 s
  thread   at home  on boards  offloads  recalls  back-migrations  home calls
  4711    125.0 ms     6.50 s         3        1                2          40
  instruction sets: 5 moves between them, 2 times a thread stayed; 6.62 s on x86_64
  pages: 1000 read, 200 written, 30 upgraded, 25 invalidated, 800 prefetched, 64 zero; 4.4 MiB
  latency             p50       p90       p99       max  count
  fault           60.0 us  120.0 us  180.0 us  270.0 us     12
  freeze           4.0 us    8.0 us   12.0 us   18.0 us     12
  offload          1.2 ms    2.4 ms    3.6 ms    5.4 ms     12
  back-migration        -         -         -         -      0
  cross-isa             -         -         -         -      0
  to its point          -         -         -         -      0
  from there            -         -         -         -      0
";
        assert_eq!(sample().summary(), expected);
    }

    #[test]
    fn a_death_by_signal_says_so() {
        let mut report = sample();
        report.exit = Exit::by_signal(11);
        assert!(
            report
                .summary()
                .contains("matmul was ended by signal 11 after")
        );
    }

    #[test]
    fn very_many_threads_are_summed_up() {
        let mut report = sample();
        let thread = ThreadReport {
            board_s: 1.0,
            ..report.threads[0].clone()
        };
        report.threads = vec![thread; LISTED + 10];
        let summary = report.summary();
        assert!(summary.contains("10 more"), "{summary}");
        assert!(summary.contains("10.00 s"), "{summary}");
        assert!(summary.lines().count() < LISTED + 17);
    }

    #[test]
    fn units_fit_the_amount() {
        assert_eq!(bytes(12), "12 bytes");
        assert_eq!(bytes(3 << 30), "3.0 GiB");
        assert_eq!(seconds(0.0), "0.00 s");
        assert_eq!(seconds(0.0000015), "1.5 us");
    }
}
