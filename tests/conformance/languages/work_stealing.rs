// A pool of threads that steal work from each other's queues: tasks make tasks (a recursive quicksort and a tree of
// sums), sleep when there is nothing, and all are done exactly once.
// calls: futex
#[path = "conform/mod.rs"]
mod conform;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;

use conform::say;

const WORKERS: usize = 4;
const NUMBERS: usize = 40_000;
const SMALL: usize = 800;

struct Pool<T> {
    queues: [Mutex<VecDeque<T>>; WORKERS],
    open: AtomicUsize,
    idle: Mutex<()>,
    changed: Condvar,
    done: [AtomicUsize; WORKERS],
}

impl<T: Send> Pool<T> {
    fn new(first: T) -> Self {
        let pool = Pool {
            queues: Default::default(),
            open: AtomicUsize::new(0),
            idle: Mutex::new(()),
            changed: Condvar::new(),
            done: Default::default(),
        };
        pool.push(0, first);
        pool
    }

    fn push(&self, me: usize, task: T) {
        self.open.fetch_add(1, Ordering::SeqCst);
        self.queues[me].lock().unwrap().push_back(task);
        let _idle = self.idle.lock().unwrap();
        self.changed.notify_one();
    }

    /// The newest of the own queue, else the oldest of another.
    fn take(&self, me: usize) -> Option<T> {
        // No lock is held while another is taken.
        let own = self.queues[me].lock().unwrap().pop_back();
        own.or_else(|| {
            (1..WORKERS).find_map(|i| self.queues[(me + i) % WORKERS].lock().unwrap().pop_front())
        })
    }

    fn work(&self, me: usize, run: impl Fn(&Self, usize, T)) {
        while self.open.load(Ordering::SeqCst) > 0 {
            if let Some(task) = self.take(me) {
                run(self, me, task);
                self.done[me].fetch_add(1, Ordering::SeqCst);
                if self.open.fetch_sub(1, Ordering::SeqCst) == 1 {
                    let _idle = self.idle.lock().unwrap();
                    self.changed.notify_all();
                }
                continue;
            }
            let idle = self.idle.lock().unwrap();
            let empty = |q: &Mutex<VecDeque<T>>| q.lock().unwrap().is_empty();
            if self.open.load(Ordering::SeqCst) > 0 && self.queues.iter().all(empty) {
                drop(self.changed.wait(idle).unwrap());
            }
        }
    }

    fn run(&self, run: impl Fn(&Self, usize, T) + Sync) -> usize {
        thread::scope(|scope| {
            for me in 0..WORKERS {
                let run = &run;
                scope.spawn(move || self.work(me, run));
            }
        });
        self.done.iter().map(|d| d.load(Ordering::SeqCst)).sum()
    }
}

fn numbers() -> Vec<u32> {
    let mut state = 1u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    (0..NUMBERS).map(next).collect()
}

/// Puts those below the middle value first.
fn partition(part: &mut [u32]) -> usize {
    part.swap(part.len() / 2, part.len() - 1);
    let (pivot, rest) = part.split_last_mut().unwrap();
    let mut small = 0;
    for i in 0..rest.len() {
        if rest[i] < *pivot {
            rest.swap(i, small);
            small += 1;
        }
    }
    let last = part.len() - 1;
    part.swap(small, last);
    small
}

fn sort() {
    let mut sorted = numbers();
    let mut expected = sorted.clone();
    expected.sort_unstable();
    let pool = Pool::new(&mut sorted[..]);
    pool.run(|pool, me, part| {
        if part.len() <= SMALL {
            return part.sort_unstable();
        }
        let middle = partition(part);
        let (left, right) = part.split_at_mut(middle);
        pool.push(me, left);
        pool.push(me, &mut right[1..]);
    });
    drop(pool);
    assert_eq!(sorted, expected);
    say(&format!("sorted {} numbers", sorted.len()));
}

fn count() {
    let sum = AtomicUsize::new(0);
    let pool = Pool::new((1usize, 6u32));
    let tasks = pool.run(|pool, me, (value, depth)| {
        sum.fetch_add(value, Ordering::SeqCst);
        if depth > 0 {
            pool.push(me, (2 * value, depth - 1));
            pool.push(me, (2 * value + 1, depth - 1));
        }
    });
    say(&format!("{tasks} tasks, sum {}", sum.load(Ordering::SeqCst)));
}

fn main() {
    conform::run(|| {
        sort();
        count();
    });
}
