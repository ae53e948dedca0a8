//! A slow way to a board: everything that is sent through it takes a while, as to a machine that is far or slow.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket;

/// A listener on loopback that passes everything on, both ways, late. Ends when it is dropped.
pub struct SlowWay {
    address: String,
    listener: RawFd,
    accepts: Option<thread::JoinHandle<()>>,
}

impl SlowWay {
    /// To what listens at `target`; each way takes `delay`.
    pub fn to(target: &str, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let (fd, target) = (listener.as_raw_fd(), target.to_owned());
        let accepts = thread::spawn(move || {
            while let Ok((from, _)) = listener.accept() {
                let to = TcpStream::connect(&target).expect("the board listens");
                let twice = |stream: &TcpStream| {
                    stream.set_nodelay(true).expect("TCP_NODELAY");
                    stream.try_clone().expect("a second descriptor")
                };
                let (from2, to2) = (twice(&from), twice(&to));
                pass_on(from, to, delay);
                pass_on(to2, from2, delay);
            }
        });
        Self {
            address: address.to_string(),
            listener: fd,
            accepts: Some(accepts),
        }
    }

    /// What to give to `--boards`.
    pub fn address(&self) -> String {
        self.address.clone()
    }
}

impl Drop for SlowWay {
    fn drop(&mut self) {
        // Who accepts still has the listener open.
        let _ = socket::shutdown(self.listener, socket::Shutdown::Both);
        if let Some(accepts) = self.accepts.take() {
            let _ = accepts.join();
        }
    }
}

/// Until one side closes.
fn pass_on(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (put, take) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let late = Instant::now() + delay;
            if put.send((late, buffer[..count].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (late, bytes) in take {
            thread::sleep(late.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        // The other side may have closed already.
        let _ = to.shutdown(Shutdown::Write);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_comes_late_and_whole() {
        let there = TcpListener::bind("127.0.0.1:0").unwrap();
        let delay = Duration::from_millis(20);
        let way = SlowWay::to(&there.local_addr().unwrap().to_string(), delay);
        let begun = Instant::now();
        let mut here = TcpStream::connect(way.address()).unwrap();
        here.write_all(b"question").unwrap();
        here.shutdown(Shutdown::Write).unwrap();
        let (mut other, _) = there.accept().unwrap();
        let mut text = String::new();
        other.read_to_string(&mut text).unwrap();
        other.write_all(b"answer").unwrap();
        drop(other);
        here.read_to_string(&mut text).unwrap();
        assert_eq!(text, "questionanswer");
        assert!(begun.elapsed() >= 2 * delay);
    }
}
