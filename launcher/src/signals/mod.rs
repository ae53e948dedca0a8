//! Signals sent to `rtx-run`: each reaches the program once.
//!
//! A signal that the kernel sent (a terminal's Ctrl-C) went to the whole process group, the program
//! included. One that a process sent may have gone to `rtx-run` alone or, with kill(2) on the
//! group, to both; [`dedupe`] tells these apart from what the program was seen to get. Real-time
//! signals and those that cannot be handled are not passed on.

mod dedupe;

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Instant;

use signal_hook::consts as sig;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::iterator::exfiltrator::origin::Origin;
use signal_hook::iterator::{Handle, SignalsInfo};
use signal_hook::low_level::siginfo::Cause;

use crate::errors::Explain;

pub use dedupe::{Dedupe, GRACE, Seen, WINDOW};

/// The signals that are passed on.
pub const FORWARDED: [i32; 9] = [
    sig::SIGINT,
    sig::SIGTERM,
    sig::SIGHUP,
    sig::SIGQUIT,
    sig::SIGUSR1,
    sig::SIGUSR2,
    sig::SIGCONT,
    sig::SIGTSTP,
    sig::SIGWINCH,
];

/// `rtx-run` got a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalEvent {
    /// Its number.
    pub signal: i32,
    /// The process that sent it; `None`: the kernel.
    pub sender: Option<i32>,
    /// Whether it must be sent to the program, because the program did not get it as well.
    pub forward: bool,
}

/// The signals could not be listened for.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for signals")]
pub struct SignalsError(#[from] io::Error);

impl Explain for SignalsError {
    fn fix(&self) -> Option<String> {
        Some("Look at the limits of processes and open files: ulimit -a".to_owned())
    }
}

enum Message {
    Ours(Origin, Instant),
    Guests(Seen),
    End,
}

/// Listens for [`FORWARDED`] until it is dropped.
#[derive(Debug)]
pub struct Signals {
    handle: Handle,
    sender: Sender<Message>,
    threads: Vec<JoinHandle<()>>,
}

/// Tells the listener which signals the program got.
#[derive(Debug, Clone)]
pub struct GuestSignals(Sender<Message>);

impl GuestSignals {
    /// The program got a signal from `sender` (`si_pid`). Signals that `rtx-run` itself sent need
    /// not be told.
    pub fn saw(&self, signal: i32, sender: i32) {
        let seen = Seen {
            signal,
            sender,
            at: Instant::now(),
        };
        // Nobody listens any more: then nothing is to be compared either.
        let _ = self.0.send(Message::Guests(seen));
    }
}

impl Signals {
    /// Begins to listen. `on_event` is called once for each signal, from a thread of its own; for
    /// one that a process sent that is [`GRACE`] after it came, as the program may have got it too.
    ///
    /// Before this call the signals do what they did when `rtx-run` was started.
    pub fn listen(on_event: Box<dyn Fn(SignalEvent) + Send>) -> Result<Self, SignalsError> {
        let mut signals = SignalsInfo::<WithOrigin>::new(FORWARDED)?;
        let handle = signals.handle();
        let (sender, receiver) = mpsc::channel();
        let ours = sender.clone();
        let read = move || {
            for origin in signals.forever() {
                if ours.send(Message::Ours(origin, Instant::now())).is_err() {
                    return;
                }
            }
        };
        let decide = move || decide(&receiver, &on_event);
        let mut this = Self {
            handle,
            sender,
            threads: Vec::new(),
        };
        this.threads.push(spawn("rtx-signals", read)?);
        this.threads.push(spawn("rtx-forward", decide)?);
        Ok(this)
    }

    /// For whoever sees the program's signals.
    pub fn guest_signals(&self) -> GuestSignals {
        GuestSignals(self.sender.clone())
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.handle.close();
        let _ = self.sender.send(Message::End);
        for thread in self.threads.drain(..) {
            // A panic over there was printed when it happened.
            let _ = thread.join();
        }
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
}

fn decide(receiver: &Receiver<Message>, on_event: &dyn Fn(SignalEvent)) {
    let mut dedupe = Dedupe::default();
    let tell = |seen: Seen, forward| {
        on_event(SignalEvent {
            signal: seen.signal,
            sender: Some(seen.sender),
            forward,
        });
    };
    loop {
        let message = match dedupe.next_due() {
            Some(due) => receiver.recv_timeout(due.saturating_duration_since(Instant::now())),
            None => receiver.recv().map_err(RecvTimeoutError::from),
        };
        match message {
            Ok(Message::Ours(origin, at)) => match sender_of(&origin) {
                Some(sender) => {
                    let signal = origin.signal;
                    dedupe.ours(Seen { signal, sender, at });
                }
                None => on_event(SignalEvent {
                    signal: origin.signal,
                    sender: None,
                    forward: false,
                }),
            },
            Ok(Message::Guests(seen)) => dedupe.guests(seen),
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => return,
        }
        for (seen, forward) in dedupe.decided(Instant::now()) {
            tell(seen, forward);
        }
    }
}

/// Who sent a signal; `None`: the kernel, to the whole group.
fn sender_of(origin: &Origin) -> Option<i32> {
    match origin.cause {
        Cause::Kernel => None,
        _ => Some(origin.process.map_or(0, |process| process.pid)),
    }
}

#[cfg(test)]
mod tests;
