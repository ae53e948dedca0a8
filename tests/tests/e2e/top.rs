//! `rtx top`, on the screen of a terminal multiplexer.

use std::process::Command;
use std::time::{Duration, Instant};

use rtx_tests::{Guest, Run, Running, Status, checkout};

/// A terminal that runs one command, by a tmux server of its own, which ends with it.
struct Screen {
    server: String,
}

impl Screen {
    fn of(command: &str) -> Self {
        let screen = Screen {
            server: format!(
                "rtx-tests-{}-{:?}",
                std::process::id(),
                std::thread::current().id()
            ),
        };
        // The session outlives the command, so that its last words can be read.
        let command = format!("{command}; echo ended with $?; read -r _");
        screen.tmux(&["new-session", "-d", "-x", "100", "-y", "40", &command]);
        screen
    }

    fn tmux(&self, args: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-f", "/dev/null", "-L", &self.server])
            .args(args)
            .output()
            .expect("tmux runs: tests/deps.sh installs it");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux {args:?}: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn keys(&self, keys: &str) {
        self.tmux(&["send-keys", keys]);
    }

    /// What the screen shows, once it shows all of `words`.
    fn shows(&self, words: &[&str]) -> String {
        let begun = Instant::now();
        loop {
            let text = self.tmux(&["capture-pane", "-p"]);
            if words.iter().all(|word| text.contains(word)) {
                return text;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "no {words:?} on\n{text}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = Command::new("tmux")
            .args(["-L", &self.server, "kill-server"])
            .output();
    }
}

fn top(job: i32, flags: &str) -> Screen {
    let rtx = checkout::binary("rtx");
    Screen::of(&format!(
        "{} top --job {job} --interval 0.2 {flags}",
        rtx.display()
    ))
}

#[test]
fn a_job_is_watched_and_directed() {
    let run = Run::supervised(Guest::test("endless").path())
        .flags(["--policy", "static", "--boards", "local:2"])
        .start();
    let job = run.pid();
    run.wait_until("it has a door", Running::listed);
    let screen = top(job, "--control");
    let job_line = format!("rtx job {job}");
    screen.shows(&[&job_line, "local-1", "local-2", "offload", "policy static"]);
    // The first line is the main thread.
    screen.keys("j");
    screen.keys("h");
    screen.shows(&["runs at home"]);
    screen.keys("d");
    screen.shows(&["which board is to leave?"]);
    screen.keys("1");
    screen.shows(&["board local-1 has left", "gone"]);
    screen.keys("q");
    screen.shows(&["ended with 0"]);
    run.signal(nix::sys::signal::Signal::SIGKILL);
    run.finish();
}

#[test]
fn without_control_it_only_looks_and_ends_with_the_job() {
    let run = Run::supervised(Guest::test("endless").path())
        .flags(["--policy", "never"])
        .start();
    let job = run.pid();
    run.wait_until("it has a door", Running::listed);
    let screen = top(job, "");
    screen.shows(&[&format!("rtx job {job}"), "policy never"]);
    screen.keys("h");
    screen.shows(&["start with --control to give orders"]);
    run.signal(nix::sys::signal::Signal::SIGKILL);
    run.finish();
    screen.shows(&[
        &format!("the job of process {job} has ended"),
        "ended with 0",
    ]);
}

#[test]
fn the_pages_that_nodes_fight_over_are_shown_by_their_variables() {
    let mut run = Run::supervised(Guest::test("fights").path())
        .flags(["--policy", "static", "--boards", "local:2"])
        .open_input()
        .start();
    run.wait_for_output("ready");
    let listed = run.wait_until("its page is told", |run| {
        let pages = run.listed()?["hot_pages"].as_array()?.clone();
        let hottest = pages.into_iter().next()?;
        let nodes = hottest["nodes"].as_array()?;
        // A thread may have touched it at home before it left.
        let both = ["local-1", "local-2"].map(|name| nodes.iter().any(|node| node == name));
        let fought_over = hottest["symbols"] == serde_json::json!(["fought_over"]);
        (fought_over && both == [true; 2]).then_some(hottest)
    });
    let line = listed["line"].as_str().expect("a line");
    assert!(line.contains("fights.c:"), "{line}");
    let screen = top(run.pid(), "");
    let threads = listed["threads"].as_array().expect("threads");
    let threads: Vec<String> = threads.iter().map(ToString::to_string).collect();
    let words = [
        "pages that nodes take from each other",
        "fought_over",
        line,
        &threads[0],
    ];
    screen.shows(&words);
    screen.keys("q");
    screen.shows(&["ended with 0"]);
    run.close_input();
    let outcome = run.finish();
    assert!(outcome.succeeded().stdout().ends_with("nothing was lost\n"));
}

#[test]
fn it_needs_a_terminal() {
    let outcome = Run::native(checkout::binary("rtx")).args(["top"]).finish();
    outcome.ended_with(Status::Exited(125));
    let line = outcome.one_line_on_stderr();
    assert_eq!(
        line,
        "rtx: standard output is not a terminal. rtx jobs --json prints the same figures"
    );
}
