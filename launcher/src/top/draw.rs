//! The screen: nodes above, threads in the middle, pages that nodes fight over and decisions below, a line for the user at the end.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row, Table, TableState};

use rtx_policies::{Place, ThreadState};

use super::view::View;
use crate::jobs::state;

/// Decisions that are shown, and their frame.
const DECISIONS: u16 = 8;
/// What stands around pages.
const PAGES_FRAME: u16 = 2;

/// Draws everything.
pub fn draw(frame: &mut Frame, view: &View) {
    let nodes = view.status.snapshot.boards.len() as u16 + 4;
    let pages = match view.status.hot_pages.len() as u16 {
        0 => 0,
        // Threads keep their room on a small screen.
        count => (count + PAGES_FRAME).min(frame.area().height / 4),
    };
    let areas = Layout::vertical([
        Constraint::Length(1),
        Constraint::Max(nodes),
        Constraint::Min(4),
        Constraint::Max(pages),
        Constraint::Max(DECISIONS),
        Constraint::Length(1),
    ])
    .split(frame.area());
    head(frame, areas[0], view);
    draw_nodes(frame, areas[1], view);
    draw_threads(frame, areas[2], view);
    draw_pages(frame, areas[3], view);
    draw_decisions(frame, areas[4], view);
    foot(frame, areas[5], view);
}

fn head(frame: &mut Frame, area: Rect, view: &View) {
    let status = &view.status;
    let seconds = status.snapshot.time_ms as f64 / 1000.0;
    let text = format!(
        "rtx job {}  process {}  policy {}  {seconds:.1} s",
        view.job, status.pid, status.policy
    );
    let style = Style::new().add_modifier(Modifier::BOLD);
    frame.render_widget(Line::styled(text, style), area);
}

fn draw_nodes(frame: &mut Frame, area: Rect, view: &View) {
    let snapshot = &view.status.snapshot;
    let at_home = snapshot.threads.iter().filter(|t| t.place == Place::Home);
    let home = Row::new([
        "0".to_owned(),
        "home".to_owned(),
        String::new(),
        snapshot.home.cores.to_string(),
        snapshot.home.runnable.to_string(),
        at_home.count().to_string(),
    ]);
    let boards = snapshot.boards.iter().map(|board| {
        Row::new([
            board.id.to_string(),
            board.name.clone(),
            state(board).to_owned(),
            board.node.cores.to_string(),
            board.node.runnable.to_string(),
            board.threads.to_string(),
        ])
    });
    let widths = [4, 20, 8, 6, 9, 8].map(Constraint::Length);
    let table = Table::new(std::iter::once(home).chain(boards), widths)
        .header(heading([
            "node", "name", "state", "cores", "runnable", "threads",
        ]))
        .block(framed("nodes"));
    frame.render_widget(table, area);
}

fn draw_threads(frame: &mut Frame, area: Rect, view: &View) {
    let rows = view.threads().iter().map(|thread| {
        let rates = view.rates.get(&thread.tid);
        let rate = |of: fn(&super::view::Rates) -> f64| {
            rates.map_or_else(|| "-".to_owned(), |r| format!("{:.0}", of(r)))
        };
        let state = match (thread.moving, thread.pinned, thread.state) {
            (true, ..) => "moves",
            (_, true, _) => "stays",
            (_, _, ThreadState::Running) => "runs",
            (_, _, ThreadState::Blocked) => "waits",
        };
        Row::new([
            Cell::new(thread.tid.to_string()),
            Cell::new(view.place(thread.place)),
            Cell::new(state),
            Cell::new(rate(|r| r.faults)),
            Cell::new(rate(|r| r.home_calls)),
            Cell::new(format!("{:.2}", thread.cpu_ns as f64 / 1e9)),
        ])
    });
    let widths = [9, 20, 7, 9, 13, 10].map(Constraint::Length);
    let table = Table::new(rows, widths)
        .header(heading([
            "thread",
            "where",
            "state",
            "faults/s",
            "home calls/s",
            "cpu s",
        ]))
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED))
        .block(framed("threads"));
    let mut state = TableState::new().with_selected(view.position());
    frame.render_stateful_widget(table, area, &mut state);
}

fn draw_pages(frame: &mut Frame, area: Rect, view: &View) {
    let rows = view.status.hot_pages.iter().map(|page| {
        let rate = view.changes.get(&page.address);
        let variables = match &page.line {
            Some(line) => format!("{} {line}", page.symbols.join(" ")),
            None => page.symbols.join(" "),
        };
        let threads: Vec<String> = page.threads.iter().map(i32::to_string).collect();
        Row::new([
            format!("{:#x}", page.address),
            page.switches.to_string(),
            rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}")),
            variables,
            page.nodes.join(" "),
            threads.join(" "),
        ])
    });
    let widths = [
        Constraint::Length(14),
        Constraint::Length(8),
        Constraint::Length(9),
        Constraint::Fill(3),
        Constraint::Fill(2),
        Constraint::Fill(2),
    ];
    let table = Table::new(rows, widths)
        .header(heading([
            "page",
            "changes",
            "changes/s",
            "variables",
            "nodes",
            "threads",
        ]))
        .block(framed("pages that nodes take from each other"));
    frame.render_widget(table, area);
}

fn draw_decisions(frame: &mut Frame, area: Rect, view: &View) {
    let lines = view.status.decisions.iter().rev().map(|d| {
        let seconds = d.time_ms as f64 / 1000.0;
        Line::raw(format!(
            "{seconds:>8.1} s  {} {}: {}",
            d.what, d.tid, d.reason
        ))
    });
    let lines: Vec<Line> = lines.take(usize::from(area.height)).collect();
    frame.render_widget(
        Paragraph::new(lines).block(framed("decisions, the last first")),
        area,
    );
}

fn foot(frame: &mut Frame, area: Rect, view: &View) {
    let keys = match view.control {
        true => "q quits, arrows select, h home, 1-9 to a board, d 1-9 has a board leave",
        false => "q quits, arrows select",
    };
    let text = match view.message.is_empty() {
        true => keys,
        false => &view.message,
    };
    frame.render_widget(Line::raw(text.to_owned()), area);
}

fn heading<const N: usize>(names: [&'static str; N]) -> Row<'static> {
    Row::new(names).style(Style::new().add_modifier(Modifier::UNDERLINED))
}

fn framed(title: &'static str) -> Block<'static> {
    Block::new().borders(Borders::TOP).title(title)
}

#[cfg(test)]
mod tests {
    use super::super::view::tests::status;
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use rtx_runtime::home::operator::Status;
    use rtx_runtime::report::HotPage;

    fn screen(view: &View, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
        terminal.draw(|frame| draw(frame, view)).expect("drawn");
        terminal.backend().to_string()
    }

    #[test]
    fn a_job_is_shown() {
        let mut view = View::new(7, true);
        view.update(status(
            1000,
            &[(1, Place::Home, 0, 0), (2, Place::Board(2), 10, 100)],
        ));
        view.update(status(
            2000,
            &[(1, Place::Home, 0, 0), (2, Place::Board(2), 22, 180)],
        ));
        let text = screen(&view, 80, 24);
        for expected in [
            "rtx job 7  process 77  policy static  2.0 s",
            "2    right",
            "2         right                runs    12        80",
            "0.0 s  offload 2: it exists",
            "d 1-9 has a board leave",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
    }

    fn fought_over(time_ms: u64, switches: u64) -> Status {
        let page = HotPage {
            address: 0x4c_5000,
            switches,
            writes: switches,
            nodes: vec!["home".to_owned(), "left".to_owned()],
            threads: vec![1, 2],
            symbols: vec!["counter".to_owned(), "flag".to_owned()],
            line: Some("app.c:7".to_owned()),
        };
        Status {
            hot_pages: vec![page],
            ..status(time_ms, &[(1, Place::Home, 0, 0)])
        }
    }

    #[test]
    fn pages_are_shown_by_their_variables() {
        let mut view = View::new(7, false);
        view.update(fought_over(1000, 50));
        view.update(fought_over(2000, 80));
        let text = screen(&view, 100, 40);
        let line = text.lines().find(|line| line.contains("0x4c5000"));
        let words: Vec<&str> = line.expect("a line").split_whitespace().collect();
        let expected = [
            "\"0x4c5000",
            "80",
            "30",
            "counter",
            "flag",
            "app.c:7",
            "home",
            "left",
            "1",
            "2",
        ];
        assert_eq!(words[..10], expected, "{text}");
        // There are none: no room is taken.
        view.update(status(3000, &[]));
        assert!(!screen(&view, 100, 40).contains("take from each other"));
    }

    #[test]
    fn threads_keep_their_room_beside_many_pages() {
        let mut view = View::new(7, false);
        let mut status = fought_over(1000, 50);
        status.hot_pages = vec![status.hot_pages[0].clone(); 8];
        status.snapshot.threads = vec![status.snapshot.threads[0].clone(); 3];
        view.update(status);
        for (height, shown) in [(40, 8), (24, 4)] {
            let text = screen(&view, 100, height);
            assert_eq!(text.matches("0x4c5000").count(), shown, "{text}");
            assert!(text.matches("runs").count() >= 2, "{text}");
        }
    }

    #[test]
    fn any_screen_will_do() {
        let mut view = View::new(7, false);
        view.update(fought_over(1, 3));
        for (width, height) in [(1, 1), (20, 3), (10, 100), (300, 2)] {
            screen(&view, width, height);
        }
    }

    #[test]
    fn the_selected_thread_is_scrolled_to() {
        let mut view = View::new(7, false);
        let many: Vec<_> = (1..200).map(|tid| (tid, Place::Home, 0, 0)).collect();
        view.update(status(1, &many));
        view.select(150);
        assert!(screen(&view, 80, 24).contains("151       home"));
    }
}
