//! Threads really run on boards.

use rtx_tests::compare::same;
use rtx_tests::scratch::Scratch;
use rtx_tests::{Guest, Run, checkout};
use serde_json::Value;

#[test]
fn offloaded_threads_use_their_time_on_boards() {
    let guest = Guest::example("matmul");
    // Moves take the same time whatever is computed: enough of that.
    let arguments = ["--threads", "4", "--size", "1536"];
    let native = Run::native(guest.path()).args(arguments).finish();
    let offloaded = Run::offloaded(guest.path())
        .report()
        .args(arguments)
        .finish();
    same(&native, &offloaded);
    let report = offloaded.report();
    assert_eq!(report.children().len(), 4, "{report:#?}");
    for thread in report.children() {
        assert!(thread.board_part() > 0.9, "{thread:?}");
        assert!(
            thread.home_s < 0.05 * (thread.home_s + thread.board_s),
            "{thread:?}"
        );
    }
}

#[test]
fn both_boards_get_threads() {
    let guest = Guest::example("matmul");
    let run = Run::offloaded(guest.path()).report();
    let report = run
        .args(["--threads", "4", "--size", "512"])
        .finish()
        .report();
    assert_eq!(report.boards.len(), 2, "{report:#?}");
    assert!(
        report.boards.iter().all(|board| board.threads_s > 0.0),
        "{:?}",
        report.boards
    );
}

#[test]
fn the_first_thread_stays_at_home() {
    let guest = Guest::example("matmul");
    let report = Run::offloaded(guest.path()).report().finish().report();
    assert_eq!(report.threads[0].offloads, 0, "{:?}", report.threads[0]);
}

#[test]
fn never_moves_nothing() {
    let guest = Guest::example("matmul");
    let report = Run::never(guest.path()).report().finish().report();
    assert_eq!(report.offloads(), 0, "{report:#?}");
    assert_eq!(report.pages.bytes, 0, "{report:#?}");
    assert!(report.threads.iter().all(|thread| thread.board_s == 0.0));
}

#[test]
fn congestion_moves_threads_when_cores_are_short() {
    let guest = Guest::test("rounds");
    let mut run = Run::supervised(guest.path())
        .flags(["--policy", "congestion", "--boards", "local:2"])
        .report()
        .args(["8"])
        .open_input()
        .start();
    // Eight threads that compute without an end need more cores than this program may use.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    run.wait_for_output("ready");
    std::thread::sleep(std::time::Duration::from_secs(4));
    run.close_input();
    let outcome = run.finish();
    outcome.succeeded();
    if cores < 8 {
        assert!(outcome.report().offloads() > 0, "{outcome}");
    }
}

#[test]
fn a_table_puts_each_thread_where_it_says() {
    let scratch = Scratch::new();
    let table = "static:placement=1@home/2@local-1/3@local-2/4@local-2";
    Run::supervised(Guest::example("matmul").path())
        .flags(["--policy", table, "--boards", "local:2"])
        .flags(["--events".into(), scratch.path("events").into_os_string()])
        .args(["--threads", "4", "--size", "256"])
        .finish()
        .succeeded();
    let events = scratch.json_lines("events");
    let of = |what: &'static str| events.iter().filter(move |e| e["event"] == what);
    // The first that is born is the program's first thread.
    let born: Vec<&Value> = of("born").skip(1).map(|e| &e["tid"]).collect();
    assert_eq!(born.len(), 4, "{events:?}");
    let boards = born.iter().map(|tid| {
        let sent: Vec<&str> = of("offload")
            .filter(|e| e["tid"] == **tid)
            .map(|e| e["board"].as_str().expect("a name"))
            .collect();
        sent
    });
    let boards: Vec<Vec<&str>> = boards.collect();
    let expected: [&[&str]; 4] = [&[], &["local-1"], &["local-2"], &["local-2"]];
    assert_eq!(boards, expected, "{events:?}");
}

#[test]
fn memory_is_guarded_before_the_next_policy_is_asked() {
    let offloads = |free: &str| {
        let policy = format!("guard-memory:free={free}+static");
        let run = Run::supervised(Guest::example("matmul").path()).report();
        let outcome = run
            .flags(["--policy", &policy, "--boards", "local:2"])
            .args(["--threads", "4", "--size", "256"])
            .finish();
        outcome.succeeded();
        outcome.report().offloads()
    };
    assert_eq!(offloads("1MiB"), 4);
    assert_eq!(offloads("900000GiB"), 0, "no machine has that much");
}

/// The presets and scripts that come with rtx, on programs that compute, that hand work to each other and that print.
#[test]
fn programs_are_the_same_under_every_preset_and_script() {
    let presets = checkout::root().join("policies/presets");
    let entries = std::fs::read_dir(presets).expect("there");
    let paths: Vec<_> = entries.map(|e| e.expect("listed").path()).collect();
    assert!(paths.len() >= 7, "{paths:?}");
    let scratch = Scratch::new();
    let recording = scratch.path("recording");
    for (name, args) in [
        ("matmul", ["--size", "1536"]),
        ("pipeline", ["--work", "300000"]),
        ("printer", ["--size", "500"]),
    ] {
        let guest = Guest::example(name);
        let native = Run::native(guest.path()).args(args).finish();
        for path in &paths {
            // A preset is named as a user would who has installed it.
            let policy = match path.extension().is_some_and(|e| e == "toml") {
                true => path.file_stem().expect("a name").to_os_string(),
                false => path.clone().into_os_string(),
            };
            println!("{name} under {policy:?}");
            let run = Run::supervised(guest.path())
                .flags(["--boards", "local:2"])
                .flags(["--policy".into(), policy])
                .flags(["--record".into(), recording.clone().into_os_string()])
                .variable("RTX_HOME_WATTS", "60-180")
                .args(args);
            same(&native, &run.finish());
            let recorded = std::fs::read_to_string(&recording).expect("written");
            assert!(
                recorded.contains("\"measured\":true"),
                "it was over before a look at it"
            );
        }
    }
}
