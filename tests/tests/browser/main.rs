//! The page of a report, in a browser: a real job's, measured as it is drawn, and its picture.

mod browser;

use std::fs;
use std::time::Duration;

use browser::{Shown, WIDTH, look, picture};
use rtx_tests::scratch::Scratch;
use rtx_tests::{Guest, Run, checkout};
use serde_json::Value;

/// Set to write `docs/report.png` anew.
const WRITE: &str = "RTX_WRITE_DOCS";
/// The most bytes of the picture.
const PICTURE_BYTES: usize = 200_000;

/// The report of a job that moved a lot and whose threads fought over a variable.
fn report() -> Value {
    let scratch = Scratch::new();
    let report = scratch.path("r.json");
    let guest = Guest::test("fights");
    // Not where this checkout is.
    let program = guest.path().strip_prefix(checkout::root());
    let mut run = Run::supervised(program.expect("it is built there"))
        .directory(checkout::root())
        .flags(["--policy", "shuffle:seed=3,mean=150", "--boards", "local:2"])
        .flags(["--report".into(), report.clone().into_os_string()])
        .open_input()
        .start();
    run.wait_for_output("ready");
    // Long enough for some moves of each thread.
    std::thread::sleep(Duration::from_secs(3));
    run.close_input();
    run.finish().succeeded();
    serde_json::from_slice(&fs::read(&report).expect("written")).expect("JSON")
}

/// The page of a report.
fn page(report: &Value) -> String {
    let scratch = Scratch::new();
    let (file, page) = (scratch.path("r.json"), scratch.path("r.html"));
    fs::write(&file, report.to_string()).expect("written");
    Run::native(checkout::binary("rtx"))
        .args([
            "report".into(),
            file.into_os_string(),
            "-o".into(),
            page.clone().into(),
        ])
        .finish()
        .succeeded();
    fs::read_to_string(page).expect("written")
}

#[test]
fn the_page_of_a_report_is_drawn_as_it_should() {
    let report = report();
    let page = page(&report);
    let (shown, complaints) = look(&page);
    assert_eq!(complaints, [""; 0]);
    assert!(!shown.overflows, "it is wider than {WIDTH} pixels");
    assert!(shown.title.ends_with("/fights"), "{}", shown.title);
    threads_are_where_they_were(&shown, &report);
    load_is_drawn(&shown);
    latencies_are_drawn(&shown, &report);
    the_fight_is_told(&shown, &report);

    let picture = picture(&page, shown.height);
    assert_eq!(size(&picture), (WIDTH, shown.height));
    if std::env::var_os(WRITE).is_some() {
        assert!(picture.len() < PICTURE_BYTES, "{} bytes", picture.len());
        fs::write(checkout::root().join("docs/report.png"), picture).expect("written");
    }
}

fn threads_are_where_they_were(shown: &Shown, report: &Value) {
    let [drawing] = &shown.section("Where threads were").drawings[..] else {
        panic!("one drawing: {shown:#?}");
    };
    let stays = report["timeline"]["stays"].as_array().expect("stays");
    assert_eq!(drawing.marks, stays.len());
    drawing.is_seen();
    // Home is grey, boards have colours.
    for colour in [
        "rgb(187, 187, 187)",
        "rgb(68, 119, 170)",
        "rgb(238, 102, 119)",
    ] {
        assert!(drawing.colours.iter().any(|c| c == colour), "{drawing:#?}");
    }
    for thread in report["threads"].as_array().expect("threads") {
        let tid = thread["tid"].to_string();
        assert!(drawing.words.contains(&tid), "{tid}: {drawing:#?}");
    }
}

fn load_is_drawn(shown: &Shown) {
    let [threads] = &shown.section("Threads at each node").drawings[..] else {
        panic!("one drawing: {shown:#?}");
    };
    assert_eq!(threads.marks, 3, "an area for each node: {threads:#?}");
    let [pages] = &shown.section("Pages per second").drawings[..] else {
        panic!("one drawing: {shown:#?}");
    };
    assert_eq!(
        (pages.marks, pages.stroke.as_str()),
        (1, "rgb(68, 119, 170)")
    );
    for drawing in [threads, pages] {
        drawing.is_seen();
    }
    let granted = &shown.section("Pages").rows;
    assert!(
        granted
            .iter()
            .any(|row| row[0] == "granted for writing" && row[1] != "0")
    );
}

fn latencies_are_drawn(shown: &Shown, report: &Value) {
    let drawings = &shown.section("How long things took").drawings;
    let histograms = report["histograms_us"].as_object().expect("histograms");
    let full: Vec<&Value> = histograms
        .values()
        .filter(|h| **h != Value::Array(vec![]))
        .collect();
    assert!(full.len() >= 3, "faults, freezes and moves: {report:#}");
    assert_eq!(drawings.len(), full.len());
    // As many bars as there are in the report, in another order.
    let sorted = |mut counts: Vec<usize>| {
        counts.sort_unstable();
        counts
    };
    let bars = sorted(drawings.iter().map(|drawing| drawing.marks).collect());
    let buckets = full.iter().map(|h| h.as_array().map_or(0, Vec::len));
    assert_eq!(bars, sorted(buckets.collect()));
    for drawing in drawings {
        drawing.is_seen();
    }
    assert_eq!(drawings[0].top, drawings[1].top, "two stand side by side");
}

fn the_fight_is_told(shown: &Shown, report: &Value) {
    let rows = &shown.section("Pages that nodes took from each other").rows;
    let hot = &report["hot_pages"][0];
    let row = rows.get(1).unwrap_or_else(|| panic!("{shown:#?}"));
    assert_eq!(row[3], "fought_over");
    assert_eq!(row[4], hot["line"].as_str().expect("a line"));
    assert_eq!(row[1], hot["switches"].to_string());
    let threads = hot["threads"].as_array().expect("threads");
    let threads: Vec<String> = threads.iter().map(Value::to_string).collect();
    assert_eq!(row[6], threads.join(", "));
}

#[test]
fn words_have_room_however_many_bars_there_are() {
    let mut report = report();
    let kinds = ["fault", "freeze", "offload", "back_migration", "cross_isa"];
    for counts in [[1, 7, 8, 9, 10], [11, 12, 17, 18, 30]] {
        for (kind, bars) in kinds.iter().zip(counts) {
            // Those from 131 to 524 milliseconds have the longest words.
            let first = (20_i32 - bars).max(0);
            let bars = (first..first + bars).map(|power| (2f64.powi(power), 12_345 << (power % 5)));
            report["histograms_us"][kind] = bars.map(|bar| serde_json::json!(bar)).collect();
            report["latency_us"][kind]["count"] = 12_345.into();
        }
        let (shown, complaints) = look(&page(&report));
        assert_eq!(complaints, [""; 0]);
        let drawings = &shown.section("How long things took").drawings;
        assert!(drawings.len() >= kinds.len());
        for drawing in drawings {
            drawing.is_seen();
        }
    }
}

#[test]
fn times_have_room_also_at_the_end_of_the_axis() {
    let report = report();
    let last = report["wall_s"].as_f64().expect("seconds");
    for end in [
        2e-6, 1e-4, 0.003, 0.99, 1.0, 5.0, 99.0, 3_600.0, 200_000.0, 1e7,
    ] {
        let mut report = report.clone();
        let scale = |time: &mut Value| {
            let t = time.as_f64().expect("seconds").min(last);
            *time = (t / last * end).into();
        };
        scale(&mut report["wall_s"]);
        for stay in report["timeline"]["stays"].as_array_mut().expect("stays") {
            for time in ["from_s", "to_s"] {
                scale(&mut stay[time]);
            }
        }
        for sample in report["timeline"]["load"].as_array_mut().expect("load") {
            scale(&mut sample["t_s"]);
        }
        let (shown, complaints) = look(&page(&report));
        assert_eq!(complaints, [""; 0]);
        for title in ["Where threads were", "Threads at each node"] {
            shown.section(title).drawings[0].is_seen();
        }
    }
}

#[test]
fn a_complaint_of_the_browser_is_heard() {
    let page = page(&report());
    let wrong = page.replace("</body>", "<script>alert()</script></body>");
    assert_ne!(page, wrong);
    let (_, complaints) = look(&wrong);
    assert!(!complaints.is_empty(), "the page forbids scripts");
}

/// The pixels of a PNG, across and down: the first chunk has them.
fn size(png: &[u8]) -> (u32, u32) {
    assert_eq!(&png[..16], b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("4 bytes"));
    (number(16), number(20))
}
