// Rust's threads: scoped threads that borrow, Mutex, RwLock, Condvar, Barrier, OnceLock, parking, atomics, and values in
// thread_local! that are dropped at each thread's end.
// calls: futex
#[path = "conform/mod.rs"]
mod conform;

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex, OnceLock, RwLock};
use std::thread;
use std::time::Duration;

use conform::say;

const THREADS: usize = 4;

static DROPPED: AtomicUsize = AtomicUsize::new(0);

struct Counted(usize);
impl Drop for Counted {
    fn drop(&mut self) {
        DROPPED.fetch_add(self.0, Ordering::SeqCst);
    }
}

thread_local! {
    static LOCAL: RefCell<Counted> = const { RefCell::new(Counted(0)) };
}

fn scoped() {
    let numbers: Vec<u64> = (1..=100_000).collect();
    let sums = Mutex::new(vec![0; THREADS]);
    thread::scope(|scope| {
        for (me, part) in numbers.chunks(numbers.len() / THREADS).enumerate() {
            let sums = &sums;
            scope.spawn(move || sums.lock().unwrap()[me] = part.iter().sum::<u64>());
        }
    });
    say(&format!("sum {}", sums.into_inner().unwrap().iter().sum::<u64>()));
}

fn locks() {
    let map = Arc::new(RwLock::new(std::collections::BTreeMap::new()));
    let turn = Arc::new((Mutex::new(0), Condvar::new()));
    let barrier = Arc::new(Barrier::new(THREADS));
    static ONCE: OnceLock<String> = OnceLock::new();
    let handles: Vec<_> = (0..THREADS)
        .map(|me| {
            let (map, turn, barrier) = (map.clone(), turn.clone(), barrier.clone());
            thread::spawn(move || {
                let mut leads = 0;
                for round in 0..30 {
                    map.write().unwrap().insert((round, me), vec![me; round]);
                    leads += usize::from(barrier.wait().is_leader());
                    let map = map.read().unwrap();
                    assert_eq!(map.range((round, 0)..(round + 1, 0)).count(), THREADS);
                }
                let mut now = turn.0.lock().unwrap();
                while *now != me {
                    now = turn.1.wait(now).unwrap();
                }
                *now += 1;
                turn.1.notify_all();
                ONCE.get_or_init(|| "initialised once".into());
                leads
            })
        })
        .collect();
    let leads: usize = handles.into_iter().map(|h| h.join().unwrap()).sum();
    say(&format!(
        "{} entries, {leads} rounds, {}",
        map.read().unwrap().len(),
        ONCE.get().unwrap()
    ));
}

fn parking() {
    let seen = Arc::new(AtomicU64::new(0));
    let parked = {
        let seen = seen.clone();
        thread::spawn(move || {
            for next in 1..=50 {
                while seen.load(Ordering::Acquire) != 2 * next - 1 {
                    thread::park();
                }
                seen.store(2 * next, Ordering::Release);
            }
        })
    };
    for next in 1..=50 {
        seen.store(2 * next - 1, Ordering::Release);
        parked.thread().unpark();
        while seen.load(Ordering::Acquire) != 2 * next {
            thread::sleep(Duration::from_micros(50));
        }
    }
    parked.join().unwrap();
    say(&format!("parked and woken, {}", seen.load(Ordering::Relaxed)));
}

fn locals() {
    thread::scope(|scope| {
        for me in 0..THREADS {
            let used = move || LOCAL.with(|local| local.borrow_mut().0 += me + 1);
            scope.spawn(move || {
                used();
                used();
            });
        }
    });
    // A scope does not wait for destructors of thread-local values.
    while DROPPED.load(Ordering::SeqCst) != 2 * (1 + 2 + 3 + 4) {
        thread::yield_now();
    }
    say("thread-local values were dropped");
}

fn main() {
    conform::run(|| {
        scoped();
        locks();
        parking();
        locals();
    });
}
