// Channels between threads: many senders, bounded and unbounded, rendezvous, time limits, values that are dropped with
// their channel, and a pipeline of stages.
// calls: futex
#[path = "conform/mod.rs"]
mod conform;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, TryRecvError, TrySendError};
use std::thread;
use std::time::Duration;

use conform::say;

fn many_senders() {
    let (sender, receiver) = mpsc::channel();
    let handles: Vec<_> = (0..4u64)
        .map(|me| {
            let sender = sender.clone();
            thread::spawn(move || {
                for i in 0..250 {
                    sender.send((me, i, Box::new(me * 1000 + i))).unwrap();
                }
            })
        })
        .collect();
    drop(sender);
    let mut next = [0; 4];
    for (me, i, value) in receiver {
        assert_eq!(next[me as usize], i, "one sender's messages keep their order");
        assert_eq!(*value, me * 1000 + i);
        next[me as usize] += 1;
    }
    handles.into_iter().for_each(|h| h.join().unwrap());
    say(&format!("received {next:?}"));
}

fn pipeline() {
    let (first, mut last) = mpsc::sync_channel::<String>(2);
    for stage in 0..3 {
        let (sender, receiver) = mpsc::sync_channel(stage);
        let input = std::mem::replace(&mut last, receiver);
        thread::spawn(move || {
            for mut text in input {
                text.push_str(&stage.to_string());
                sender.send(text).unwrap();
            }
        });
    }
    let feeder = thread::spawn(move || (0..40).for_each(|i| first.send(format!("{i}:")).unwrap()));
    let texts: Vec<String> = last.iter().collect();
    feeder.join().unwrap();
    assert!(texts.iter().enumerate().all(|(i, t)| *t == format!("{i}:012")));
    say(&format!("{} through 3 stages, the last {}", texts.len(), texts[39]));
}

fn ends() {
    let (sender, receiver) = mpsc::sync_channel(1);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(receiver.recv_timeout(Duration::from_millis(2)), Err(RecvTimeoutError::Timeout));
    let counter = Arc::new(AtomicUsize::new(0));
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (values, held) = mpsc::channel();
    for _ in 0..10 {
        values.send(Dropped(counter.clone())).unwrap();
    }
    thread::spawn(move || drop(held)).join().unwrap();
    assert!(values.send(Dropped(counter.clone())).is_err());
    sender.send(1).unwrap();
    assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    thread::spawn(move || assert_eq!(receiver.recv(), Ok(1))).join().unwrap();
    assert_eq!(sender.send(3), Err(mpsc::SendError(3)));
    say(&format!("dropped {}", counter.load(Ordering::SeqCst)));
}

fn main() {
    conform::run(|| {
        many_senders();
        pipeline();
        ends();
    });
}
