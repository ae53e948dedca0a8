//! Reading a stream to its end in a thread of its own, with a view on what came so far.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    ended: bool,
}

/// A stream that is being read.
#[derive(Clone)]
pub struct Capture {
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Capture {
    /// Starts to read. An error of the stream counts as its end: a terminal ends with EIO.
    pub fn start(mut stream: impl Read + Send + 'static) -> Self {
        let capture = Self {
            shared: Arc::default(),
        };
        let copy = capture.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 16384];
            loop {
                let count = stream.read(&mut buffer).unwrap_or(0);
                let mut state = copy.lock();
                state.bytes.extend_from_slice(&buffer[..count]);
                state.ended = count == 0;
                let ended = state.ended;
                drop(state);
                copy.shared.1.notify_all();
                if ended {
                    return;
                }
            }
        });
        capture
    }

    /// What came so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.lock().bytes.clone()
    }

    /// Waits until the stream contains a text (true), or has ended or the limit is over (false).
    pub fn wait_for(&self, text: &str, limit: Duration) -> bool {
        self.wait_until(limit, |state| {
            let found = state
                .bytes
                .windows(text.len())
                .any(|w| w == text.as_bytes());
            (found || state.ended).then_some(found)
        })
        .unwrap_or(false)
    }

    /// Waits for the end of the stream; whether it came within the limit.
    pub fn wait_for_end(&self, limit: Duration) -> bool {
        self.wait_until(limit, |state| state.ended.then_some(()))
            .is_some()
    }

    fn wait_until<T>(&self, limit: Duration, check: impl Fn(&State) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        loop {
            if let Some(answer) = check(&state) {
                return Some(answer);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            let waited = self.shared.1.wait_timeout(state, left);
            state = waited.expect("readers do not panic").0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().expect("readers do not panic")
    }
}
