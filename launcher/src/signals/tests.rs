//! The listener with real signals, sent to this test process by itself. One test only: handlers
//! belong to the whole process.

use super::*;
use std::time::Duration;

fn signal_self(signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::getpid(), signal).expect("sent");
}

#[test]
fn signals_from_processes_are_told_once_with_the_verdict() {
    let (sender, events) = mpsc::channel();
    let on_event = Box::new(move |event| sender.send(event).expect("test listens"));
    let signals = Signals::listen(on_event).expect("listening");
    let own = nix::unistd::getpid().as_raw();
    let wait = Duration::from_secs(5);

    signal_self(nix::sys::signal::SIGUSR1);
    let event = events.recv_timeout(wait).expect("told");
    let expected = SignalEvent {
        signal: sig::SIGUSR1,
        sender: Some(own),
        forward: true,
    };
    assert_eq!(event, expected);

    signals.guest_signals().saw(sig::SIGUSR2, own);
    signal_self(nix::sys::signal::SIGUSR2);
    let event = events.recv_timeout(wait).expect("told");
    let expected = SignalEvent {
        signal: sig::SIGUSR2,
        sender: Some(own),
        forward: false,
    };
    assert_eq!(event, expected);

    drop(signals);
    assert!(
        events.recv_timeout(wait).is_err(),
        "nothing more, and the listener has ended"
    );
}
