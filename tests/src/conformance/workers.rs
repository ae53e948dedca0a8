//! Doing many things, some at a time, and hearing of them in their order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Does `count` things in `jobs` threads; `done` hears of each, in order.
pub fn in_order<T: Send>(
    jobs: usize,
    count: usize,
    work: impl Fn(usize) -> T + Sync,
    mut done: impl FnMut(usize, T),
) {
    let next = AtomicUsize::new(0);
    let (send, receive) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, count.max(1)) {
            let (send, next, work) = (send.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    send.send((index, work(index))).expect("somebody listens");
                }
            });
        }
        drop(send);
        let mut early = std::collections::BTreeMap::new();
        let mut expected = 0;
        for (index, result) in receive {
            early.insert(index, result);
            while let Some(result) = early.remove(&expected) {
                done(expected, result);
                expected += 1;
            }
        }
    });
}

/// Calls `work` in `jobs` threads until it answers false; each call gets a number of its own.
pub fn until_false(jobs: usize, work: impl Fn(usize) -> bool + Sync) {
    let next = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let index = {
                        let mut next = next.lock().expect("nobody panics holding it");
                        *next += 1;
                        *next - 1
                    };
                    if !work(index) {
                        return;
                    }
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order() {
        let mut seen = Vec::new();
        let wait = |index: usize| {
            std::thread::sleep(std::time::Duration::from_millis(5 - index as u64));
            index * 10
        };
        in_order(3, 5, wait, |index, result| seen.push((index, result)));
        assert_eq!(seen, [(0, 0), (1, 10), (2, 20), (3, 30), (4, 40)]);
        in_order(3, 0, wait, |_, _| unreachable!("nothing to do"));
    }

    #[test]
    fn it_ends_when_told() {
        let calls = AtomicUsize::new(0);
        until_false(2, |index| {
            calls.fetch_add(1, Ordering::Relaxed);
            index < 9
        });
        assert!(calls.into_inner() >= 10);
    }
}
