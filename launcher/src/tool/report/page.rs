//! The page: one HTML file, with nothing to fetch and nothing to run.

use std::fmt::Write;

use rtx_runtime::report::{Buckets, HotPage, Percentiles, Report};

use super::histogram::histogram;
use super::svg::{colour, escaped};
use super::{chart, left_out, nodes, seconds, timeline};

const STYLE: &str = "body{font:14px/1.4 sans-serif;margin:2em auto;max-width:1020px;color:#222}\
h1{font-size:1.4em}h2{font-size:1.1em;margin-top:2em;border-bottom:1px solid #ccc}\
table{border-collapse:collapse}td,th{padding:2px 10px 2px 0;text-align:left;vertical-align:top}\
td.n,th.n{text-align:right}svg{max-width:100%;height:auto}svg text{font:11px sans-serif;fill:#333}\
.grid{stroke:#ddd;stroke-width:1}.rate{fill:none;stroke:#4477aa;stroke-width:1.5}\
.key{display:inline-block;width:1em;height:1em;vertical-align:middle;margin:0 4px 0 12px}\
.charts{display:flex;flex-wrap:wrap;gap:20px}.charts>div{width:480px}code{font-size:13px}";

/// A report as a page.
pub(in crate::tool) fn page(report: &Report) -> String {
    let mut out = String::new();
    let program = escaped(&report.program);
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>rtx: {program}</title><style>{STYLE}</style></head><body>\n"
    );
    head(&mut out, report);
    placement(&mut out, report);
    load(&mut out, report);
    latencies(&mut out, report);
    hot_pages(&mut out, report);
    threads(&mut out, report);
    refusals(&mut out, report);
    out.push_str("</body></html>\n");
    out
}

fn head(out: &mut String, report: &Report) {
    let command: Vec<String> = std::iter::once(&report.program)
        .chain(&report.args)
        .map(|word| escaped(word))
        .collect();
    let end = match (report.exit.code, report.exit.signal) {
        (_, Some(signal)) => format!("ended by signal {signal}"),
        (Some(code), None) => format!("exited with {code}"),
        (None, None) => "did not end by itself".to_owned(),
    };
    let _ = writeln!(
        out,
        "<h1><code>{}</code></h1><p>{end} after {}; policy {}.</p>",
        command.join(" "),
        seconds(report.wall_s),
        escaped(&report.policy)
    );
    let boards = report.boards.iter().map(|board| {
        let cells = [&board.name, &board.isa, &board.address].map(|cell| text(cell));
        cells
            .into_iter()
            .chain([number(seconds(board.threads_s))])
            .collect()
    });
    table(out, &["board", "isa", "address", "#cpu time"], boards);
    let notes = report.timeline.notes.iter();
    let notes = notes.map(|note| vec![number(seconds(note.t_s)), text(&note.text)]);
    table(out, &["#at", "what happened"], notes);
}

fn placement(out: &mut String, report: &Report) {
    out.push_str("<h2>Where threads were</h2>\n");
    if report.timeline.stays.is_empty() {
        out.push_str("<p>The report does not tell.</p>\n");
        return;
    }
    key(out, report);
    let (drawing, not_drawn) = timeline::timeline(report);
    out.push_str(&drawing);
    if not_drawn > 0 {
        let _ = writeln!(out, "<p>{not_drawn} more threads are not drawn.</p>");
    }
    for sentence in left_out(&report.timeline) {
        let _ = writeln!(out, "<p>{}</p>", escaped(&sentence));
    }
}

fn key(out: &mut String, report: &Report) {
    out.push_str("<p>");
    for (number, node) in nodes(report).iter().enumerate() {
        let (colour, node) = (colour(number), escaped(node));
        let _ = write!(
            out,
            "<span class=\"key\" style=\"background:{colour}\"></span>{node}"
        );
    }
    out.push_str("</p>\n");
}

fn load(out: &mut String, report: &Report) {
    if report.timeline.load.len() > 1 {
        out.push_str("<h2>Threads at each node</h2>\n");
        key(out, report);
        out.push_str(&chart::threads(report));
        out.push_str("<h2>Pages per second</h2>\n");
        out.push_str(&chart::pages(report));
    }
    let pages = &report.pages;
    out.push_str("<h2>Pages</h2>\n");
    let row = [
        ("granted for reading", pages.read),
        ("granted for writing", pages.write),
        ("made writable", pages.upgrade),
        ("sent ahead", pages.prefetched),
        ("copies dropped", pages.invalidated),
        ("sent as zero", pages.zero),
        ("bytes sent", pages.bytes),
    ];
    let rows = row.map(|(name, value)| vec![text(name), number(value)]);
    table(out, &["what", "#count"], rows.into_iter());
}

fn latencies(out: &mut String, report: &Report) {
    let (all, full) = (&report.latency_us, &report.histograms_us);
    let kinds: [(&str, &Percentiles, &Buckets); 7] = [
        ("page fault over the network", &all.fault, &full.fault),
        ("freezing a thread", &all.freeze, &full.freeze),
        ("move to a board", &all.offload, &full.offload),
        ("home call", &all.back_migration, &full.back_migration),
        (
            "move between instruction sets",
            &all.cross_isa,
            &full.cross_isa,
        ),
        ("of it, to the next point", &all.to_point, &full.to_point),
        (
            "of it, from the point on",
            &all.from_point,
            &full.from_point,
        ),
    ];
    out.push_str("<h2>How long things took</h2>\n<div class=\"charts\">\n");
    for (name, percentiles, buckets) in kinds {
        if percentiles.count == 0 {
            continue;
        }
        let Percentiles {
            p50,
            p99,
            max,
            count,
            ..
        } = percentiles;
        let [p50, p99, max] = [p50, p99, max].map(|us| seconds(us * 1e-6));
        let _ = writeln!(
            out,
            "<div><p>{name}: {count} times, half within {p50}, 99 % within {p99}, \
             at most {max}</p>{}</div>",
            histogram(buckets)
        );
    }
    out.push_str("</div>\n");
}

fn hot_pages(out: &mut String, report: &Report) {
    out.push_str("<h2>Pages that nodes took from each other</h2>\n");
    if report.hot_pages.is_empty() {
        out.push_str("<p>None.</p>\n");
        return;
    }
    let rows = report.hot_pages.iter().map(|hot: &HotPage| {
        let threads: Vec<String> = hot.threads.iter().map(i32::to_string).collect();
        let variables = match hot.symbols.is_empty() {
            true => "no variable of the program's file".to_owned(),
            false => hot.symbols.join(", "),
        };
        vec![
            text(&format!("{:#x}", hot.address)),
            number(hot.switches),
            number(hot.writes),
            text(&variables),
            text(hot.line.as_deref().unwrap_or("")),
            text(&hot.nodes.join(", ")),
            text(&threads.join(", ")),
        ]
    });
    let columns = [
        "page",
        "#changes",
        "#writes",
        "variables",
        "where",
        "nodes",
        "threads",
    ];
    table(out, &columns, rows);
}

fn threads(out: &mut String, report: &Report) {
    out.push_str("<h2>Threads</h2>\n");
    let rows = report.threads.iter().map(|thread| {
        vec![
            number(thread.tid),
            number(seconds(thread.home_s)),
            number(seconds(thread.board_s)),
            number(thread.offloads),
            number(thread.recalls),
            number(thread.back_migrations),
            number(thread.home_calls),
        ]
    });
    let columns = [
        "#thread",
        "#at home",
        "#on boards",
        "#offloads",
        "#recalls",
        "#back-migrations",
        "#home calls",
    ];
    table(out, &columns, rows);
}

fn refusals(out: &mut String, report: &Report) {
    if report.refusals.is_empty() {
        return;
    }
    out.push_str("<h2>Why threads stayed that were to move</h2>\n");
    let rows = report.refusals.iter();
    let rows = rows.map(|(why, count)| vec![number(count), text(why.meaning())]);
    table(out, &["#times", "why"], rows);
}

/// A cell of text.
fn text(cell: &str) -> (String, bool) {
    (escaped(cell), false)
}

/// A cell that stands to the right.
fn number(cell: impl ToString) -> (String, bool) {
    (escaped(&cell.to_string()), true)
}

/// A table, unless it is empty. Columns of numbers begin with `#`.
fn table(out: &mut String, columns: &[&str], rows: impl Iterator<Item = Vec<(String, bool)>>) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    out.push_str("<table><tr>");
    for column in columns {
        let _ = match column.strip_prefix('#') {
            Some(name) => write!(out, "<th class=\"n\">{name}</th>"),
            None => write!(out, "<th>{column}</th>"),
        };
    }
    out.push_str("</tr>\n");
    for row in rows {
        out.push_str("<tr>");
        for (cell, right) in row {
            let class = if right { " class=\"n\"" } else { "" };
            let _ = write!(out, "<td{class}>{cell}</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
}
