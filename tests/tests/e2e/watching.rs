//! Watching a job while it runs, and what can be made of its report: `--events`, `--metrics`, `--progress`,
//! `rtx report`, `rtx explain`.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use nix::sys::signal::Signal;
use rtx_tests::compare::same;
use rtx_tests::scratch::Scratch;
use rtx_tests::{Guest, Outcome, Run, Status, checkout, examples};
use serde_json::Value;

fn matmul(run: Run) -> Outcome {
    run.args(examples::named("matmul").short.iter().copied())
        .finish()
}

fn natively() -> Outcome {
    matmul(Run::native(Guest::example("matmul").path()))
}

#[test]
fn events_tell_every_move_in_order() {
    let scratch = Scratch::new();
    let run = Run::offloaded(Guest::example("matmul").path())
        .flags(["--events".into(), scratch.path("events").into_os_string()])
        .report();
    let outcome = matmul(run);
    same(&natively(), &outcome);
    let lines = scratch.json_lines("events");
    assert_eq!(lines[0]["schema"], "rtx.events.v1");
    let times: Vec<f64> = lines
        .iter()
        .filter_map(|line| line["t_s"].as_f64())
        .collect();
    assert!(
        times.is_sorted() && times.len() == lines.len() - 1,
        "{lines:?}"
    );
    let of = |kind: &str| lines.iter().filter(|line| line["event"] == kind).count() as u64;
    let report = outcome.report();
    let offloads: u64 = report.threads.iter().map(|thread| thread.offloads).sum();
    assert!(offloads > 0);
    assert_eq!(of("offload"), offloads, "{lines:?}");
    let recalls: u64 = report.threads.iter().map(|thread| thread.recalls).sum();
    assert_eq!(of("home"), recalls, "{lines:?}");
    assert_eq!(of("born"), report.threads.len() as u64);
    assert_eq!(of("ended"), of("born"));
    let last = lines.last().expect("lines");
    assert_eq!((&last["event"], &last["code"]), (&"exit".into(), &0.into()));
    let offload = lines.iter().find(|line| line["event"] == "offload");
    let reason = offload.expect("one")["reason"].as_str().expect("a reason");
    assert!(reason.contains("goes to a board"), "{reason}");
}

#[test]
fn the_report_has_a_timeline_of_which_pages_and_sentences_are_made() {
    let scratch = Scratch::new();
    let path = scratch.path("r.json");
    let run = Run::offloaded(Guest::example("matmul").path())
        .flags(["--report".into(), path.clone().into_os_string()]);
    matmul(run).succeeded();
    let report: Value = serde_json::from_slice(&fs::read(&path).expect("written")).expect("JSON");
    let stays = report["timeline"]["stays"].as_array().expect("stays");
    let nodes: Vec<&str> = stays
        .iter()
        .filter_map(|stay| stay["node"].as_str())
        .collect();
    assert!(
        nodes.contains(&"home") && nodes.contains(&"local-1"),
        "{nodes:?}"
    );
    for stay in stays {
        assert!(stay["from_s"].as_f64() <= stay["to_s"].as_f64(), "{stay}");
    }
    let counted = |kind: &str| -> u64 {
        let buckets = report["histograms_us"][kind].as_array().expect("buckets");
        buckets.iter().filter_map(|bucket| bucket[1].as_u64()).sum()
    };
    assert_eq!(
        Some(counted("fault")),
        report["latency_us"]["fault"]["count"].as_u64()
    );
    let hot = report["hot_pages"].as_array().expect("pages");
    assert!(
        !hot.is_empty(),
        "threads that write their results share pages"
    );

    let html = scratch.path("r.html");
    let outcome = Run::native(checkout::binary("rtx"))
        .args([
            "report".into(),
            path.clone().into_os_string(),
            "-o".into(),
            html.clone().into(),
        ])
        .finish();
    outcome.succeeded();
    let html = fs::read_to_string(html).expect("written");
    assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>\n"));
    assert!(
        html.contains("at local-1 from") && !html.contains("NaN"),
        "{html}"
    );

    let outcome = Run::native(checkout::binary("rtx"))
        .args(["explain".into(), path.into_os_string()])
        .finish();
    let text = outcome.succeeded().stdout();
    assert!(text.contains("it never left home"), "{text}");
    assert!(
        text.contains("because every child thread goes to a board"),
        "{text}"
    );
}

#[test]
fn who_stays_at_home_stays_for_a_reason() {
    let scratch = Scratch::new();
    let (events, report) = (scratch.path("events"), scratch.path("r.json"));
    // Nothing could be worth it.
    Run::supervised(Guest::example("matmul").path())
        .flags(["--boards", "local:1", "--policy", "congestion:margin=99"])
        .flags(["--events".into(), events.clone().into_os_string()])
        .flags(["--report".into(), report.clone().into_os_string()])
        .args(examples::named("matmul").long.iter().copied())
        .finish()
        .succeeded();
    let outcome = Run::native(checkout::binary("rtx"))
        .args(["explain".into(), report.into_os_string()])
        .finish();
    let text = outcome.succeeded().stdout();
    let told = "it never left home. At the last look the policy congestion:margin=99 left it there because ";
    let first = format!("{told}it is the program's first thread.");
    assert_eq!(text.matches(&first).count(), 1, "{text}");
    assert!(text.matches(told).count() > 1, "{text}");
    let events = fs::read_to_string(events).expect("written");
    let stayed = events.matches(r#""event":"ended","stayed":""#).count();
    assert!(stayed > 1, "{events}");
}

/// A script under which all go once they have begun to wait for each other.
const LATE: &str = "
    fn tick_ms() { 10 }
    fn decide(s) {
        if s.time_ms < 20 { return []; }
        let home = s.threads.filter(|t| !t.is_main && t.place == \"home\");
        home.map(|t| #{ tid: t.tid, to: 1, reason: \"all go\" })
    }";

/// What was told of threads that were wanted on a board and stayed, and what was counted.
fn refusals(scratch: &Scratch) -> (u64, u64) {
    let script = scratch.path("late.rhai");
    let (events, report) = (scratch.path("events"), scratch.path("r.json"));
    fs::write(&script, LATE).expect("written");
    Run::supervised(Guest::example("pipeline").path())
        .flags(["--boards", "local:1"])
        .flags(["--policy".into(), script.into_os_string()])
        .flags(["--events".into(), events.clone().into_os_string()])
        .flags(["--report".into(), report.clone().into_os_string()])
        .args(examples::named("pipeline").long.iter().copied())
        .finish()
        .succeeded();
    let events = fs::read_to_string(events).expect("written");
    let blocked = r#""event":"refused","board":"local-1","reason":"blocked""#;
    let told = events.lines().filter(|line| line.contains(blocked)).count();
    let report: Value = serde_json::from_slice(&fs::read(report).expect("written")).expect("JSON");
    let counted = report["refusals"]["blocked"].as_u64().unwrap_or_default();
    (told as u64, counted)
}

#[test]
fn who_is_wanted_on_a_board_and_stays_is_told_and_counted() {
    let scratch = Scratch::new();
    for _ in 0..20 {
        let (told, counted) = refusals(&scratch);
        if told > 0 {
            assert!(counted > 0, "{told} changes of reason");
            return;
        }
    }
    panic!("nobody ever waited at home");
}

/// What is asked of the metrics of a running job.
fn ask(address: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

#[test]
fn metrics_are_served_while_the_program_runs() {
    let running = Run::offloaded(Guest::test("rounds").path())
        .flags(["--metrics", "0"])
        .args(["4"])
        .open_input()
        .start();
    running.wait_for_output("ready");
    let address = running.wait_until("the address is told", |running| {
        let said = running.complaints();
        let (_, rest) = said.split_once("metrics at http://")?;
        Some(rest.split_once("/metrics")?.0.to_owned())
    });
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    running.wait_until("threads are told to be on boards", |_| {
        let answer = ask(&address);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        let on_board = |line: &str| line.starts_with("rtx_threads{node=\"local-");
        answer.lines().any(on_board).then_some(())
    });
    let answer = ask(&address);
    for family in [
        "rtx_refusals_total{reason=\"blocked\"}",
        "rtx_pages_total{kind=\"write\"}",
    ] {
        assert!(answer.contains(family), "no {family} in {answer}");
    }
    running.signal(Signal::SIGTERM);
    running.finish();
}

#[test]
fn the_line_on_the_terminal_is_apart_from_the_programs_output() {
    let run = Run::offloaded(Guest::test("rounds").path())
        .flags(["--progress"])
        .args(["4"])
        .variable("TERM", "xterm")
        .on_terminal()
        .before_exec(|| {
            let size = libc::winsize {
                ws_row: 24,
                ws_col: 80,
                ws_xpixel: 0,
                ws_ypixel: 0,
            };
            // SAFETY: the call reads the structure, which is whole.
            match unsafe { libc::ioctl(2, libc::TIOCSWINSZ, &raw const size) } {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        });
    let running = run.start();
    running.wait_for_output("tick");
    running.wait_for_output("pages/s");
    std::thread::sleep(Duration::from_millis(300));
    running.signal(Signal::SIGTERM);
    let outcome = running.finish();
    let text = outcome.stdout();
    assert!(text.contains("ready"), "{text}");
    // Each drawing saves the cursor, goes to the last row, and comes back.
    let (saved, restored) = (text.matches("\x1b7").count(), text.matches("\x1b8").count());
    assert!(
        saved > 1 && saved == restored,
        "{saved} {restored} {text:?}"
    );
    let last = text
        .rfind("\x1b[r")
        .expect("the whole screen scrolls again");
    assert!(
        text.rfind("pages/s").is_some_and(|drawn| drawn < last),
        "{text:?}"
    );
}

#[test]
fn without_a_terminal_there_is_no_line() {
    let run = Run::offloaded(Guest::example("matmul").path()).flags(["--progress"]);
    let outcome = matmul(run);
    same(&natively(), &outcome);
    assert_eq!(outcome.stderr(), "");
}

#[test]
fn what_cannot_be_watched_is_refused_before_the_program_runs() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let taken = listener.local_addr().expect("an address").to_string();
    for (flags, words) in [
        (
            ["--events", "/no/such/file"],
            "cannot write events to '/no/such/file': no such file",
        ),
        (
            ["--events", "/dev/full"],
            "cannot write events to '/dev/full': no space left",
        ),
        (
            ["--metrics", "nowhere"],
            "\"nowhere\" is not PORT or ADDRESS:PORT. Give for instance",
        ),
        (
            ["--metrics", "192.0.2.1:9"],
            "cannot serve metrics at 192.0.2.1:9: ",
        ),
        (
            ["--metrics", &taken],
            "address already in use. Choose another port",
        ),
    ] {
        let run = Run::offloaded(Guest::test("exits").path()).flags(flags);
        let outcome = run.args(["return", "0"]).finish();
        outcome.ended_with(Status::Exited(125));
        let line = outcome.one_line_on_stderr();
        assert!(line.contains(words), "no \"{words}\" in: {line}");
    }
}

/// A run with this flag for a file, which may have so many bytes.
fn with_little_room(flag: &str, bytes: u64) -> Outcome {
    let scratch = Scratch::new();
    let path = scratch.path("file");
    let run = Run::supervised(Guest::example("matmul").path())
        .flags(["--policy", "manual", "--boards", "local:1"])
        .flags([flag.into(), path.into_os_string()])
        .before_exec(move || {
            let resource = nix::sys::resource::Resource::RLIMIT_FSIZE;
            // The signal for it is ignored, as a shell can do; writes fail then.
            let ignore = nix::sys::signal::SigHandler::SigIgn;
            // SAFETY: ignoring a signal runs no code.
            unsafe { nix::sys::signal::signal(Signal::SIGXFSZ, ignore)? };
            Ok(nix::sys::resource::setrlimit(resource, bytes, bytes)?)
        });
    matmul(run)
}

#[test]
fn what_cannot_be_written_to_its_end_is_told_and_harms_nobody() {
    // The first line fits, the rest does not.
    for (flag, bytes, words) in [
        ("--events", 400, "cannot write events to '"),
        ("--record", 600, "/file: file too large; it ends here"),
    ] {
        let outcome = with_little_room(flag, bytes);
        outcome.ended_with(Status::Exited(0));
        assert_eq!(outcome.stdout(), natively().stdout());
        let line = outcome.one_line_on_stderr();
        assert!(line.contains(words), "{flag}: {line}");
    }
}
