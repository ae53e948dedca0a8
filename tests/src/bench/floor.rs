//! The network without rtx: two processes, one TCP connection, blocking calls.
//!
//! The server waits for a client and then answers each request of 16 bytes with as many bytes as it
//! asks for. The client measures one of two things and prints it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use super::measure::median;
use super::netns::Namespace;
use crate::procfs::is_listening;
use crate::{Outcome, Run};

const REQUEST: usize = 16;
const PAGE: usize = 4096;
const CHUNK: usize = 256 * 1024;
const WARM_UP: usize = 500;
const ROUNDS: usize = 5000;
const PORT: u16 = 7199;

/// Serves one client to its end.
pub fn serve(address: &str) {
    let listener = TcpListener::bind(address).expect("the floor's address is free");
    let (mut stream, _) = listener.accept().expect("a client");
    stream.set_nodelay(true).expect("TCP_NODELAY");
    let chunk = vec![1; CHUNK];
    let mut request = [0; REQUEST];
    while stream.read_exact(&mut request).is_ok() {
        let wanted = u64::from_le_bytes(request[..8].try_into().expect("8 bytes"));
        let mut left = usize::try_from(wanted).expect("a size");
        while left > 0 {
            let part = left.min(CHUNK);
            if stream.write_all(&chunk[..part]).is_err() {
                return;
            }
            left -= part;
        }
    }
}

/// Prints the median round trip of a page, in microseconds.
pub fn ping(address: &str) {
    let mut stream = connect(address);
    let mut page = [0; PAGE];
    let mut round = || {
        let begin = Instant::now();
        ask(&mut stream, PAGE);
        stream.read_exact(&mut page).expect("a page");
        begin.elapsed().as_secs_f64() * 1e6
    };
    for _ in 0..WARM_UP {
        round();
    }
    println!("us: {:.3}", median((0..ROUNDS).map(|_| round()).collect()));
}

/// Prints the throughput of a transfer of this many bytes, in MB/s.
pub fn pull(address: &str, bytes: usize) {
    let mut stream = connect(address);
    let mut chunk = vec![0; CHUNK];
    let begin = Instant::now();
    ask(&mut stream, bytes);
    let mut left = bytes;
    while left > 0 {
        let part = left.min(CHUNK);
        stream.read_exact(&mut chunk[..part]).expect("all bytes");
        left -= part;
    }
    println!(
        "mb_per_s: {:.1}",
        bytes as f64 / 1e6 / begin.elapsed().as_secs_f64()
    );
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the floor's server listens");
    stream.set_nodelay(true).expect("TCP_NODELAY");
    stream
}

fn ask(stream: &mut TcpStream, bytes: usize) {
    let mut request = [0; REQUEST];
    request[..8].copy_from_slice(&(bytes as u64).to_le_bytes());
    stream.write_all(&request).expect("the server reads");
}

/// Where the two processes are.
pub struct Place<'a> {
    /// The namespaces of server and client; `None`: this one.
    pub namespaces: Option<(&'a Namespace, &'a Namespace)>,
    /// The server's address.
    pub host: &'a str,
}

impl Place<'_> {
    /// This machine's loopback.
    pub const LOOPBACK: Place<'static> = Place {
        namespaces: None,
        host: "127.0.0.1",
    };

    /// The median round trip of a page, in microseconds.
    pub fn round_trip_us(&self) -> f64 {
        self.measure("ping", &[]).number("us")
    }

    /// The throughput of a transfer, in MB/s.
    pub fn throughput(&self, bytes: usize) -> f64 {
        self.measure("pull", &[&bytes.to_string()])
            .number("mb_per_s")
    }

    fn measure(&self, what: &str, more: &[&str]) -> Outcome {
        let address = format!("{}:{PORT}", self.host);
        let itself = std::env::current_exe().expect("our own path");
        let run = |role: &str| Run::native(&itself).args([role, &address]);
        let (mut server, mut client) = (run("floor-serve"), run(&format!("floor-{what}")));
        if let Some((at_server, at_client)) = self.namespaces {
            server = at_server.enter(server);
            client = at_client.enter(client);
        }
        let server = server.start();
        server.wait_until("the floor's server listens", |server| {
            is_listening(server.pid(), PORT).then_some(())
        });
        let outcome = client.args(more.iter().copied()).finish();
        outcome.succeeded();
        server.finish().succeeded();
        outcome
    }
}
