//! Jobs and boards as tables for people.

use rtx_policies::{BoardLoad, Place, Snapshot};
use rtx_runtime::home::operator::Status;

use super::ask::Listed;

/// A table of jobs.
pub fn jobs_table(jobs: &[Listed]) -> String {
    let rows = jobs.iter().map(|job| {
        let snapshot = &job.status.snapshot;
        let away = snapshot.threads.iter().filter(|t| t.place != Place::Home);
        vec![
            job.job.to_string(),
            job.status.pid.to_string(),
            job.status.policy.clone(),
            snapshot.threads.len().to_string(),
            away.count().to_string(),
            snapshot.boards.len().to_string(),
            job.program.clone(),
        ]
    });
    let head = [
        "JOB", "PID", "POLICY", "THREADS", "AWAY", "BOARDS", "PROGRAM",
    ];
    table(&head, rows)
}

/// What has become of a board, in a word.
pub fn state(board: &BoardLoad) -> &'static str {
    match (board.draining, board.alive) {
        (_, false) => "gone",
        (true, true) => "leaves",
        (false, true) => "there",
    }
}

/// A table of a job's boards.
pub fn boards_table(status: &Status) -> String {
    let Snapshot { boards, .. } = &status.snapshot;
    let rows = boards.iter().map(|board| {
        vec![
            board.id.to_string(),
            board.name.clone(),
            state(board).to_owned(),
            board.node.cores.to_string(),
            match board.slots {
                0 => "-".to_owned(),
                slots => slots.to_string(),
            },
            board.threads.to_string(),
        ]
    });
    table(
        &["BOARD", "NAME", "STATE", "CORES", "SLOTS", "THREADS"],
        rows,
    )
}

/// Columns as wide as what is in them; the last one is not padded.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let head = head.iter().map(ToString::to_string).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| {
        let cells = rows
            .iter()
            .map(|row: &Vec<String>| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let mut text = String::new();
    for row in &rows {
        for (column, cell) in row.iter().enumerate() {
            match column + 1 == row.len() {
                true => text.push_str(cell),
                false => text.push_str(&format!("{cell:<width$}  ", width = width(column))),
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            vec!["1".to_owned(), "a".to_owned()],
            vec!["1000".to_owned(), "b".to_owned()],
        ];
        assert_eq!(
            table(&["N", "NAME"], rows.into_iter()),
            "N     NAME\n1     a\n1000  b\n"
        );
    }
}
