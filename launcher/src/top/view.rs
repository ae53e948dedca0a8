//! What is known of the job, and what of it is selected. Rates are differences between two looks, over the job's
//! own time.

use std::collections::BTreeMap;

use rtx_policies::{Place, Snapshot, ThreadView};
use rtx_runtime::home::operator::Status;
use rtx_runtime::report::HotPage;

/// What a thread did in a second, between the last two looks.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    /// Page faults that needed the network.
    pub faults: f64,
    /// Home calls.
    pub home_calls: f64,
}

/// What is shown.
#[derive(Debug, Default)]
pub struct View {
    /// The process id of the job's `rtx-run`.
    pub job: i32,
    /// Keys may give orders.
    pub control: bool,
    /// The last look.
    pub status: Status,
    /// By thread id.
    pub rates: BTreeMap<i32, Rates>,
    /// By address of a page: how often it changed nodes in a second, between the last two looks.
    pub changes: BTreeMap<u64, f64>,
    /// The thread id that is selected.
    pub selected: Option<i32>,
    /// `d` was pressed: the next number is that of a board that is to leave.
    pub draining: bool,
    /// The last thing said to the user.
    pub message: String,
}

impl View {
    /// Of a job that has not been looked at.
    pub fn new(job: i32, control: bool) -> View {
        View {
            job,
            control,
            ..View::default()
        }
    }

    /// Takes in another look.
    pub fn update(&mut self, status: Status) {
        self.rates = rates(&self.status.snapshot, &status.snapshot);
        self.changes = changes(&self.status, &status);
        self.status = status;
        let tids = self.tids();
        if !self.selected.is_some_and(|tid| tids.contains(&tid)) {
            self.selected = tids.first().copied();
        }
    }

    /// Tells the user something.
    pub fn say(&mut self, message: String) {
        self.message = message;
    }

    /// Threads in the order in which they are shown.
    pub fn threads(&self) -> &[ThreadView] {
        &self.status.snapshot.threads
    }

    /// Which of them is selected.
    pub fn position(&self) -> Option<usize> {
        let selected = self.selected?;
        self.threads().iter().position(|t| t.tid == selected)
    }

    /// Selects the thread so many lines below.
    pub fn select(&mut self, by: isize) {
        let tids = self.tids();
        let now = self.position().unwrap_or(0);
        let last = tids.len().saturating_sub(1);
        let next = now.saturating_add_signed(by).min(last);
        self.selected = tids.get(next).copied();
    }

    /// The name of a place.
    pub fn place(&self, place: Place) -> String {
        match place {
            Place::Home => "home".to_owned(),
            Place::Board(id) => {
                let board = self.status.snapshot.boards.iter().find(|b| b.id == id);
                board.map_or_else(|| id.to_string(), |b| b.name.clone())
            }
        }
    }

    fn tids(&self) -> Vec<i32> {
        self.threads().iter().map(|t| t.tid).collect()
    }
}

/// The time between two looks, if there is any.
fn seconds(before: &Snapshot, now: &Snapshot) -> Option<f64> {
    let seconds = now.time_ms.saturating_sub(before.time_ms) as f64 / 1000.0;
    (seconds > 0.0).then_some(seconds)
}

/// How often each page changed nodes a second. One that was not told before has no rate yet.
fn changes(before: &Status, now: &Status) -> BTreeMap<u64, f64> {
    let Some(seconds) = seconds(&before.snapshot, &now.snapshot) else {
        return BTreeMap::new();
    };
    let rate = |page: &HotPage| {
        let was = before.hot_pages.iter().find(|p| p.address == page.address);
        // Fewer may be counted than before: another page has pushed it out for a while.
        let more = page.switches.saturating_sub(was?.switches);
        Some((page.address, more as f64 / seconds))
    };
    now.hot_pages.iter().filter_map(rate).collect()
}

/// What each thread did a second. A thread that is new has no rates yet.
fn rates(before: &Snapshot, now: &Snapshot) -> BTreeMap<i32, Rates> {
    let Some(seconds) = seconds(before, now) else {
        return BTreeMap::new();
    };
    let earlier: BTreeMap<i32, &ThreadView> = before.threads.iter().map(|t| (t.tid, t)).collect();
    let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
    let threads = now.threads.iter().filter_map(|t| {
        let was = earlier.get(&t.tid)?;
        let rates = Rates {
            faults: rate(t.faults, was.faults),
            home_calls: rate(t.home_calls, was.home_calls),
        };
        Some((t.tid, rates))
    });
    threads.collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use serde_json::json;

    /// A status with threads, each by its id, place, faults and home calls.
    pub fn status(time_ms: u64, threads: &[(i32, Place, u64, u64)]) -> Status {
        let threads: Vec<_> = threads
            .iter()
            .map(|(tid, place, faults, calls)| {
                json!({"tid": tid, "is_main": *tid == 1, "place": place, "state": "running", "cpu_ns": 0,
                    "run_delay_ns": 0, "faults": faults, "home_calls": calls, "born_ms": 0, "moving": false,
                    "pinned": false})
            })
            .collect();
        let board = |id: u8, name: &str| json!({"id": id, "name": name, "slots": 0, "threads": 1, "runnable": 1, "cores": 4, "alive": true});
        let status = json!({"pid": 77, "policy": "static",
            "decisions": [{"time_ms": 5, "tid": 2, "what": "offload", "reason": "it exists"}],
            "snapshot": {"time_ms": time_ms, "home": {"cores": 2, "runnable": 3, "load": 0.0},
                "boards": [board(1, "left"), board(2, "right")], "threads": threads}});
        serde_json::from_value(status).expect("a status")
    }

    #[test]
    fn rates_are_differences_over_the_jobs_time() {
        let mut view = View::new(7, false);
        view.update(status(
            1000,
            &[(1, Place::Home, 0, 0), (2, Place::Board(1), 10, 100)],
        ));
        assert_eq!(view.rates, BTreeMap::new());
        view.update(status(
            3000,
            &[(2, Place::Board(1), 30, 140), (3, Place::Home, 9, 9)],
        ));
        let rates = Rates {
            faults: 10.0,
            home_calls: 20.0,
        };
        assert_eq!(view.rates, BTreeMap::from([(2, rates)]));
    }

    #[test]
    fn pages_have_rates_too() {
        let page = |address, switches| HotPage {
            address,
            switches,
            ..HotPage::default()
        };
        let look = |time_ms, pages: &[HotPage]| Status {
            hot_pages: pages.to_vec(),
            ..status(time_ms, &[])
        };
        let mut view = View::new(7, false);
        view.update(look(1000, &[page(0x1000, 50), page(0x2000, 9)]));
        assert_eq!(view.changes, BTreeMap::new());
        view.update(look(
            3000,
            &[page(0x1000, 60), page(0x2000, 8), page(0x3000, 1)],
        ));
        let expected = BTreeMap::from([(0x1000, 5.0), (0x2000, 0.0)]);
        assert_eq!(view.changes, expected);
    }

    #[test]
    fn the_selection_stays_on_its_thread() {
        let mut view = View::new(7, false);
        let home = Place::Home;
        view.update(status(
            1,
            &[(1, home, 0, 0), (2, home, 0, 0), (3, home, 0, 0)],
        ));
        assert_eq!(view.selected, Some(1));
        view.select(5);
        assert_eq!(view.selected, Some(3));
        view.select(-1);
        view.update(status(2, &[(2, home, 0, 0), (3, home, 0, 0)]));
        assert_eq!((view.selected, view.position()), (Some(2), Some(0)));
        view.update(status(3, &[(3, home, 0, 0)]));
        assert_eq!(view.selected, Some(3));
    }

    #[test]
    fn places_have_names() {
        let mut view = View::new(7, false);
        view.update(status(1, &[]));
        let names = [Place::Home, Place::Board(2), Place::Board(9)].map(|place| view.place(place));
        assert_eq!(names, ["home", "right", "9"]);
    }
}
