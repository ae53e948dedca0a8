//! `--metrics ADDRESS`: the counters of the job in the text form of Prometheus, over HTTP.
//!
//! One thread answers one caller after the other. Whoever reaches the address can read the figures; without an
//! address it is on loopback.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rtx_runtime::report::Gauges;

use super::{Shown, WatchError};

/// How long a caller may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest request.
const MOST_BYTES: usize = 8192;

/// Serves until the process ends: whoever asks last should get an answer.
pub(super) struct Server {
    pub address: SocketAddr,
}

impl Server {
    pub fn start(
        address: &str,
        shown: &Arc<Mutex<Shown>>,
        gauges: &Arc<Gauges>,
    ) -> Result<Self, WatchError> {
        let at = parse(address).ok_or_else(|| WatchError::Address {
            address: address.to_owned(),
        })?;
        let failed = |source| WatchError::Metrics {
            address: at.to_string(),
            source,
        };
        let listener = TcpListener::bind(at).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (shown, gauges) = (shown.clone(), gauges.clone());
        let begun = Instant::now();
        std::thread::Builder::new()
            .name("rtx-metrics".into())
            .spawn(move || {
                for caller in listener.incoming() {
                    match caller {
                        Ok(caller) => {
                            let text = || {
                                let shown = shown.lock().expect("nobody panics holding it");
                                render(&shown, &gauges, begun.elapsed().as_secs_f64())
                            };
                            // A caller that goes away, or says nothing, gets no answer.
                            let _ = answer(caller, text);
                        }
                        // Descriptors are short: they may not be for ever.
                        Err(_) => std::thread::sleep(Duration::from_millis(100)),
                    }
                }
            })
            .map_err(WatchError::Thread)?;
        Ok(Self { address })
    }
}

/// `PORT` on loopback, or `ADDRESS:PORT`.
fn parse(address: &str) -> Option<SocketAddr> {
    let port = address.strip_prefix(':').unwrap_or(address);
    match port.parse::<u16>() {
        Ok(port) => Some((IpAddr::V4(Ipv4Addr::LOCALHOST), port).into()),
        Err(_) => address.parse().ok(),
    }
}

/// Whether the system is to choose the port.
pub fn any_port(address: &str) -> bool {
    parse(address).is_some_and(|address| address.port() == 0)
}

/// One request of HTTP, one answer, and the end.
fn answer(mut caller: TcpStream, text: impl FnOnce() -> String) -> io::Result<()> {
    caller.set_read_timeout(Some(PATIENCE))?;
    caller.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    let until = Instant::now() + PATIENCE;
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = caller.read(&mut piece)?;
        if read == 0 || request.len() > MOST_BYTES || Instant::now() > until {
            return Err(io::ErrorKind::InvalidData.into());
        }
        request.extend_from_slice(&piece[..read]);
    }
    let first = request.split(|byte| *byte == b'\r').next();
    let first = String::from_utf8_lossy(first.unwrap_or_default()).into_owned();
    let mut words = first.split(' ');
    let (method, path) = (words.next(), words.next().unwrap_or(""));
    let path = path.split('?').next();
    let (status, body) = match (method, path) {
        (Some("GET" | "HEAD"), Some("/metrics")) => ("200 OK", text()),
        (Some("GET" | "HEAD"), _) => ("404 Not Found", "see /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", String::new()),
    };
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    caller.write_all(head.as_bytes())?;
    if method != Some("HEAD") {
        caller.write_all(body.as_bytes())?;
    }
    caller.flush()
}

fn render(shown: &Shown, gauges: &Gauges, seconds: f64) -> String {
    let mut out = String::new();
    let mut family = |name: &str, kind: &str, help: &str, values: Vec<(String, String)>| {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(out, "{name}{labels} {value}");
        }
    };
    let one = |value: String| vec![(String::new(), value)];
    let labelled = |label: &str, name: &str, value: u64| {
        (
            format!("{{{label}=\"{}\"}}", escaped(name)),
            value.to_string(),
        )
    };
    family(
        "rtx_uptime_seconds",
        "gauge",
        "Time since the job began.",
        one(format!("{seconds:.3}")),
    );
    let threads = shown
        .threads
        .iter()
        .map(|(node, n)| labelled("node", node, *n));
    family(
        "rtx_threads",
        "gauge",
        "Threads of the program by the node that they are at.",
        threads.collect(),
    );
    family(
        "rtx_threads_born_total",
        "counter",
        "Threads that have begun.",
        one(shown.counts.born.to_string()),
    );
    let offloads = shown.counts.offloads.iter();
    family(
        "rtx_offloads_total",
        "counter",
        "Threads that left for a board.",
        offloads
            .map(|(board, n)| labelled("board", board, *n))
            .collect(),
    );
    let homecomings = shown.counts.homecomings.iter().map(|(cause, n)| {
        let name = serde_json::to_value(cause).expect("a name");
        labelled("cause", name.as_str().unwrap_or_default(), *n)
    });
    family(
        "rtx_homecomings_total",
        "counter",
        "Threads that came home, by cause.",
        homecomings.collect(),
    );
    let refusals = gauges.refusals();
    family(
        "rtx_refusals_total",
        "counter",
        "Threads that were to go to a board and stayed, by reason.",
        refusals
            .map(|(why, n)| labelled("reason", &why.name(), n))
            .collect(),
    );
    let pages = gauges.pages();
    let kinds = [
        ("read", pages.read),
        ("write", pages.write),
        ("upgrade", pages.upgrade),
        ("prefetched", pages.prefetched),
        ("invalidated", pages.invalidated),
        ("zero", pages.zero),
    ];
    family(
        "rtx_pages_total",
        "counter",
        "Pages that were granted or taken away, by kind.",
        kinds
            .iter()
            .map(|(kind, n)| labelled("kind", kind, *n))
            .collect(),
    );
    family(
        "rtx_page_bytes_total",
        "counter",
        "Bytes of page content that crossed the network.",
        one(pages.bytes.to_string()),
    );
    family(
        "rtx_boards_lost_total",
        "counter",
        "Boards that were lost.",
        one(shown.counts.lost.len().to_string()),
    );
    out
}

/// The value of a label.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtx_runtime::report::Refusal;

    #[test]
    fn a_port_alone_is_on_loopback() {
        let shown = |text| parse(text).map(|address| address.to_string());
        assert_eq!(shown("9100").as_deref(), Some("127.0.0.1:9100"));
        assert_eq!(shown(":9100").as_deref(), Some("127.0.0.1:9100"));
        assert_eq!(shown("0.0.0.0:1").as_deref(), Some("0.0.0.0:1"));
        assert_eq!(shown("[::1]:1").as_deref(), Some("[::1]:1"));
        for wrong in ["", "x", "70000", "host", "1.2.3.4", "http://a:1"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    }

    #[test]
    fn it_answers_what_prometheus_asks() {
        let shown: Arc<Mutex<Shown>> = Arc::default();
        let gauges = Arc::new(Gauges::default());
        gauges.refused(Refusal::Blocked);
        gauges.refused(Refusal::Blocked);
        {
            let mut shown = shown.lock().expect("unlocked");
            shown.threads.insert("a\"b".into(), 3);
            shown.counts.offloads.insert("b".into(), 2);
        }
        let server = Server::start("0", &shown, &gauges).expect("serves");
        let answer = ask(server.address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"));
        for line in [
            "rtx_threads{node=\"a\\\"b\"} 3",
            "rtx_offloads_total{board=\"b\"} 2",
            "rtx_refusals_total{reason=\"blocked\"} 2",
            "rtx_refusals_total{reason=\"signal\"} 0",
            "rtx_pages_total{kind=\"read\"} 0",
            "# TYPE rtx_threads gauge",
        ] {
            assert!(body.lines().any(|l| l == line), "no {line} in\n{body}");
        }
        let answer = ask(server.address, "GET / HTTP/1.0\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        let answer = ask(server.address, "POST /metrics HTTP/1.0\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
        let taken = Server::start(&server.address.to_string(), &shown, &gauges).err();
        let message = taken.expect("in use").to_string();
        assert_eq!(
            message,
            format!("cannot serve metrics at {}", server.address)
        );
    }
}
