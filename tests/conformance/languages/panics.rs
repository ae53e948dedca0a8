// Panics in threads unwind through frames and closures, run destructors, are caught at join or by catch_unwind with
// their payload, and poison the locks they held.
// calls: futex
#[path = "conform/mod.rs"]
mod conform;

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use conform::say;

static ALIVE: AtomicIsize = AtomicIsize::new(0);

struct Guard(#[allow(dead_code)] Box<usize>);
impl Guard {
    fn new(n: usize) -> Self {
        ALIVE.fetch_add(1, Ordering::SeqCst);
        Guard(Box::new(n))
    }
}
impl Drop for Guard {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

#[inline(never)]
fn descend(depth: usize, kind: usize) -> usize {
    let _guard = Guard::new(depth);
    if depth > 0 {
        return [depth].iter().map(|d| descend(d - 1, kind)).sum::<usize>() + 1;
    }
    match kind {
        0 => panic!("a message {kind}"),
        1 => std::hint::black_box(&[1, 2, 3][..])[std::hint::black_box(7)],
        2 => panic::panic_any(Guard::new(5)),
        _ => "not a number".parse().unwrap(),
    }
}

fn text(payload: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).into()
    } else if payload.is::<Guard>() {
        "a value".into()
    } else {
        "something".into()
    }
}

fn main() {
    panic::set_hook(Box::new(|_| {}));
    conform::run(|| {
        for kind in 0..4 {
            let handle = thread::spawn(move || descend(30, kind));
            let payload = handle.join().unwrap_err();
            say(&format!("at join: {}", text(&*payload)));
        }
        let counts: Vec<usize> = (0..3)
            .map(|me| {
                thread::spawn(move || {
                    (0..40)
                        .filter(|i| {
                            let work = || descend(10 + i, (me + i) % 4);
                            panic::catch_unwind(AssertUnwindSafe(work)).is_err()
                        })
                        .count()
                })
            })
            .collect::<Vec<_>>()
            .into_iter()
            .map(|h| h.join().unwrap())
            .collect();
        say(&format!("caught {counts:?}, alive {}", ALIVE.load(Ordering::SeqCst)));
        let lock = Arc::new(Mutex::new(1));
        let holder = lock.clone();
        let broken = thread::spawn(move || {
            let mut value = holder.lock().unwrap();
            *value = 2;
            panic!("holding a lock");
        });
        assert!(broken.join().is_err());
        let poisoned = lock.lock().unwrap_err();
        say(&format!("poisoned, with value {}", **poisoned.get_ref()));
    });
}
