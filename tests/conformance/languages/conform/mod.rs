// What every Rust conformance program begins with: as ../../conform.h for C. Its first comment has the same lines
// (`calls:` and so on). The body runs in a child thread after a moment of computing.
#![allow(dead_code)]

use std::io::Write;
use std::time::{Duration, Instant};

/// Prints a line at once.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Computes for as long as a policy may need to move the calling thread.
pub fn settle() {
    let ms = std::env::var("CONFORM_SETTLE_MS").ok().and_then(|ms| ms.parse().ok());
    let end = Instant::now() + Duration::from_millis(ms.unwrap_or(30));
    while Instant::now() < end {
        for i in 0..200_000u64 {
            std::hint::black_box(i);
        }
    }
}

/// Runs `body` in a child thread; a panic there ends the program with status 101.
pub fn run(body: impl FnOnce() + Send + 'static) {
    let child = std::thread::spawn(|| {
        settle();
        body()
    });
    if child.join().is_err() {
        std::process::exit(101);
    }
    say("done");
}
