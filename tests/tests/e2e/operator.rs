//! Reaching into running jobs: `rtx jobs`, `boards`, `drain` and `move`.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::time::Duration;

use rtx_tests::compare::same;
use rtx_tests::examples::Example;
use rtx_tests::{Agent, Guest, Outcome, Run, Running, Status, checkout, examples};

/// How often a run that has ended before it was reached is made again.
const CHANCES: usize = 8;

fn rtx(args: &[&str]) -> Outcome {
    Run::native(checkout::binary("rtx"))
        .args(args.iter().copied())
        .finish()
}

/// Asks about one job.
fn about(job: &Running, command: &[&str], rest: &[&str]) -> Outcome {
    let pid = job.pid().to_string();
    rtx(&[command, &["--job", &pid], rest].concat())
}

/// The threads of a job that are on boards.
fn away(job: &Running) -> Vec<i64> {
    let threads = job.listed().map(|j| j["snapshot"]["threads"].clone());
    let threads = threads
        .as_ref()
        .and_then(|t| t.as_array())
        .into_iter()
        .flatten();
    let away = threads.filter(|t| t["place"] != "home");
    away.map(|t| t["tid"].as_i64().expect("a thread id"))
        .collect()
}

fn job<A: AsRef<OsStr>>(guest: &Guest, policy: &str, args: &[A]) -> Run {
    Run::supervised(guest.path())
        .flags(["--policy", policy, "--boards", "local:2"])
        .report()
        .args(args.iter().map(AsRef::as_ref))
}

/// Waits until threads of a job are away. False: it was over before.
fn leaves_home(job: &Running) -> bool {
    loop {
        if !away(job).is_empty() {
            return true;
        }
        if job.processes().is_empty() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The options of an example for a run that is longer with each try.
fn longer(example: &Example, tries: usize) -> Vec<String> {
    let mut args: Vec<String> = example.long.iter().map(ToString::to_string).collect();
    let size = args
        .iter()
        .position(|a| a == "--size")
        .expect("all have a size")
        + 1;
    let number: usize = args[size].parse().expect("a number");
    args[size] = (number * (1 + tries * tries)).to_string();
    args
}

/// Both runs of an example: natively, and as a job that `meddle` reaches into while threads are away; that says
/// whether it came in time. Made again, longer, until it does.
fn met(example: &Example, meddle: impl Fn(&Running) -> bool) -> Outcome {
    let guest = Guest::example(example.name);
    for tries in 0..CHANCES {
        let args = longer(example, tries);
        let run = job(&guest, "static", &args).start();
        let in_time = leaves_home(&run) && meddle(&run);
        let outcome = run.finish();
        let native = Run::native(guest.path()).args(args).finish();
        same(&native, &outcome);
        if in_time {
            return outcome;
        }
    }
    panic!("{}: every run was over too soon", example.name);
}

#[test]
fn a_job_that_runs_is_explained() {
    met(&examples::named("matmul"), |run| {
        let pid = run.pid().to_string();
        let said = rtx(&["explain", &pid]);
        let text = said.stdout();
        if said.status() != Status::Exited(0) || !text.contains("It is still there.") {
            return false;
        }
        let why = "because every child thread goes to a board";
        assert!(text.contains(why), "{text}");
        let one = rtx(&["explain", &pid, "--thread", &pid]);
        let told = format!("there is nothing to tell of a thread {pid}");
        one.stderr().contains(&told)
    });
}

/// A board joins and another leaves. False: the job was over before.
fn change(run: &Running, agent: &Agent) -> bool {
    let added = about(run, &["boards", "add"], &[&agent.address()]);
    let drained = about(run, &["drain"], &["local-1"]);
    let boards = about(run, &["boards", "list"], &[]);
    let asked = [&added, &drained, &boards];
    if asked.iter().any(|o| o.status() != Status::Exited(0)) {
        return false;
    }
    assert_eq!(added.stdout(), "board joins has joined\n");
    let said = drained.stdout();
    assert!(said.starts_with("board local-1 has left: "), "{said}");
    let listed = boards.stdout();
    let states: Vec<Vec<&str>> = listed
        .lines()
        .skip(1)
        .map(|l| l.split_whitespace().collect())
        .collect();
    let states: Vec<[&str; 2]> = states.iter().map(|row| [row[1], row[2]]).collect();
    assert_eq!(
        states,
        [
            ["local-1", "gone"],
            ["local-2", "there"],
            ["joins", "there"]
        ]
    );
    true
}

#[test]
fn boards_join_and_leave_in_the_middle_of_every_example() {
    for example in examples::ALL {
        let agent = Agent::start("joins");
        let outcome = met(&example, |run| change(run, &agent));
        assert_eq!(outcome.report().boards.len(), 3);
        agent.stop();
    }
}

#[test]
fn one_more_board_is_started_on_this_machine_and_can_leave() {
    let mut run = job::<&str>(&Guest::test("fights"), "manual", &[])
        .open_input()
        .start();
    run.wait_for_output("ready");
    run.wait_until("it has a door", Running::listed);
    let said = |outcome: Outcome| outcome.succeeded().stdout();
    let added = about(&run, &["boards", "add"], &["local"]);
    assert_eq!(said(added), "board local-3 has joined\n");
    let threads = run.listed().expect("a job")["snapshot"]["threads"].clone();
    let threads = threads.as_array().expect("threads");
    let child = threads.iter().find(|thread| thread["is_main"] == false);
    let tid = child.expect("a child")["tid"].to_string();
    let moved = about(&run, &["move"], &[&tid, "local-3"]);
    assert_eq!(said(moved), format!("thread {tid} runs on board local-3\n"));
    let drained = said(about(&run, &["drain"], &["local-3"]));
    assert!(
        drained.starts_with("board local-3 has left: 1 threads"),
        "{drained}"
    );
    let another = about(&run, &["boards", "add"], &["local"]);
    assert_eq!(said(another), "board local-4 has joined\n");
    run.close_input();
    // No agent is left behind.
    let outcome = run.finish();
    assert!(outcome.succeeded().stdout().ends_with("nothing was lost\n"));
    assert_eq!(outcome.report().boards.len(), 4);
}

#[test]
fn a_board_that_was_started_later_ends_with_a_job_that_is_killed() {
    let run = job::<&str>(&Guest::test("fights"), "static", &[])
        .open_input()
        .start();
    run.wait_for_output("ready");
    run.wait_until("it has a door", Running::listed);
    about(&run, &["boards", "add"], &["local"]).succeeded();
    assert_eq!(run.boards().len(), 3);
    run.signal(nix::sys::signal::Signal::SIGKILL);
    run.finish();
}

#[test]
fn the_last_board_leaves_and_the_program_goes_on_at_home() {
    met(&examples::named("matmul"), |run| {
        let both = ["local-1", "local-2"].map(|board| about(run, &["drain"], &[board]));
        both.iter().all(|o| o.status() == Status::Exited(0))
    });
}

#[test]
fn what_cannot_be_done_is_refused() {
    let guest = Guest::test("endless");
    let run = job::<&str>(&guest, "static", &[]).start();
    run.wait_until("a thread is away", |run| {
        (!away(run).is_empty()).then_some(())
    });
    let tid = run.pid().to_string();
    let refused = |command: &[&str], rest: &[&str], why: &str| {
        let outcome = about(&run, command, rest);
        outcome.ended_with(Status::Exited(125));
        let line = outcome.one_line_on_stderr();
        assert!(line.starts_with("rtx: ") && line.contains(why), "{line}");
    };
    refused(
        &["drain"],
        &["nosuch"],
        "the job has no board nosuch; its boards are local-1, local-2",
    );
    refused(&["move"], &["1", "home"], "the program has no thread 1");
    refused(&["move"], &[&tid, "local-1"], "the program has no thread");
    refused(
        &["boards", "add"],
        &["127.0.0.1:1"],
        "cannot reach board 127.0.0.1:1",
    );
    refused(&["boards", "add"], &["nowhere"], "has no port");
    about(&run, &["drain"], &["1"]).succeeded();
    refused(
        &["drain"],
        &["local-1"],
        "board local-1 is gone, or about to leave",
    );
    run.signal(nix::sys::signal::Signal::SIGKILL);
    run.finish();
}

#[test]
fn jobs_that_are_not_there_are_told() {
    let outcome = rtx(&["drain", "--job", "1", "local-1"]);
    outcome.ended_with(Status::Exited(125));
    let line = outcome.one_line_on_stderr();
    assert!(
        line.starts_with("rtx: process 1 is no rtx-run with a job of yours. "),
        "{line}"
    );
    let runs = [0, 1].map(|_| job(&Guest::test("endless"), "never", &[""; 0]).start());
    for run in &runs {
        run.wait_until("it is listed", Running::listed);
    }
    let outcome = rtx(&["drain", "local-1"]);
    outcome.ended_with(Status::Exited(125));
    let line = outcome.one_line_on_stderr();
    assert!(
        line.contains("you have several running jobs: ")
            && line.ends_with("Name one: --job PID, or rtx explain PID"),
        "{line}"
    );
    for board in ["127.0.0.1:7000", "local"] {
        let outcome = about(&runs[0], &["boards", "add"], &[board]);
        let line = outcome.one_line_on_stderr();
        assert!(line.contains("policy never offloads nothing"), "{line}");
    }
    for run in runs {
        run.signal(nix::sys::signal::Signal::SIGKILL);
        run.finish();
    }
}

/// The name of a job's socket, in the abstract namespace.
fn door(pid: u32) -> SocketAddr {
    let name = format!("rtx-run/{}/{pid}", nix::unistd::getuid());
    SocketAddr::from_abstract_name(name).expect("a short name")
}

/// A connection that the job has answered on. Tests beside this one ask all jobs now and then.
fn served(run: &Running) -> UnixStream {
    run.wait_until("the job answers", |run| {
        let mut stream = UnixStream::connect_addr(&door(run.pid() as u32)).ok()?;
        stream.write_all(b"?\n").ok()?;
        let read = stream.read(&mut [0; 512]).ok()?;
        (read > 0).then_some(stream)
    })
}

#[test]
fn a_job_that_serves_as_many_as_it_can_says_so_to_the_next() {
    let run = job(&Guest::test("endless"), "never", &[""; 0]).start();
    run.wait_until("it is listed", Running::listed);
    let pid = run.pid();
    let others: Vec<UnixStream> = (0..8).map(|_| served(&run)).collect();
    let outcome = about(&run, &["boards", "list"], &[]);
    outcome.ended_with(Status::Exited(125));
    assert_eq!(
        outcome.one_line_on_stderr(),
        format!(
            "rtx: cannot reach the job of process {pid}: the job has ended, or serves other operators"
        )
    );
    let jobs = rtx(&["jobs"]);
    jobs.succeeded();
    let silent = format!("rtx: cannot reach the job of process {pid}: ");
    assert!(jobs.stderr().contains(&silent), "{jobs}");
    drop(others);
    run.wait_until("there is room again", |run| {
        let listed = about(run, &["boards", "list"], &[]);
        (listed.status() == Status::Exited(0)).then_some(())
    });
    run.signal(nix::sys::signal::Signal::SIGKILL);
    run.finish();
}

#[test]
fn a_socket_that_somebody_else_has_made_under_a_jobs_name_is_not_asked() {
    if !nix::unistd::getuid().is_root() {
        eprintln!("not tested: only root can be two users");
        return;
    }
    const NOBODY: libc::uid_t = 65534;
    let pid = std::process::id();
    let name = door(pid);
    // The listener's user is that of the thread that makes it (SO_PEERCRED in unix(7)); the thread ends with it.
    let listener = std::thread::spawn(move || {
        // SAFETY: the bare call takes numbers and changes this thread, and whether the process can be dumped.
        let changed = unsafe { libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY) };
        assert_eq!(changed, 0, "{}", std::io::Error::last_os_error());
        UnixListener::bind_addr(&name).expect("a free name")
    });
    let _listener = listener.join().expect("bound");
    nix::sys::prctl::set_dumpable(true).expect("as it was");
    let pid = pid.to_string();
    let outcome = rtx(&["boards", "list", "--job", &pid]);
    outcome.ended_with(Status::Exited(125));
    assert_eq!(
        outcome.one_line_on_stderr(),
        format!(
            "rtx: cannot reach the job of process {pid}: the socket is of user {NOBODY}, not of 0"
        )
    );
}
