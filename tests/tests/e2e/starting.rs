//! Agents that rtx-run starts through other commands: ssh and srun, played here by scripts that run what
//! they are given on this machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use rtx_tests::compare::same;
use rtx_tests::procfs::Process;
use rtx_tests::scratch::{Scratch, names_in};
use rtx_tests::{Guest, Outcome, Run, Status, examples};

/// Long enough for all threads to have moved.
const SETTLE: Duration = Duration::from_secs(1);

/// Runs the words after `--`'s host with a shell, as sshd does.
const SSH: &str = r#"#!/bin/sh
while [ "$1" != -- ]; do shift; done
echo "$2" >> "$FAKE_LOG"
shift 2
export SSH_CONNECTION="127.0.0.1 1 127.0.0.1 22"
exec sh -c "$*"
"#;

/// Runs the words after the flags, on the node that is named.
const SRUN: &str = r#"#!/bin/sh
unset SSH_CONNECTION
while :; do
  case "$1" in
    --nodelist=*) echo "${1#--nodelist=}" >> "$FAKE_LOG"; shift;;
    -*) shift;;
    *) exec "$@";;
  esac
done
"#;

/// A directory with commands to be found first, and a log of the hosts they were asked for.
struct Fakes(Scratch);

impl Fakes {
    fn new(commands: &[(&str, &str)]) -> Self {
        let scratch = Scratch::new();
        for (name, text) in commands {
            let path = scratch.path(name);
            fs::write(&path, text).expect("written");
            fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("mode set");
        }
        Self(scratch)
    }

    fn prepare(&self, run: Run) -> Run {
        let path = std::env::var("PATH").expect("a PATH");
        let first = self.0.path("").display().to_string();
        run.variable("PATH", format!("{first}:{path}"))
            .variable("FAKE_LOG", self.0.path("log"))
    }

    fn asked(&self) -> Vec<String> {
        let log = fs::read_to_string(self.0.path("log")).unwrap_or_default();
        let mut hosts: Vec<String> = log.lines().map(str::to_owned).collect();
        hosts.sort();
        hosts
    }
}

fn matmul(boards: &str) -> Run {
    Run::supervised(Guest::example("matmul").path())
        .flags(["--policy", "static", "--boards", boards])
        .report()
        .args(examples::named("matmul").short.iter().copied())
}

fn natively() -> Outcome {
    Run::native(Guest::example("matmul").path())
        .args(examples::named("matmul").short.iter().copied())
        .finish()
}

/// Threads ran on boards of these names, and the output is that of a native run.
fn ran_on(run: Run, names: &[&str]) {
    let outcome = run.finish();
    same(&natively(), &outcome);
    let report = outcome.report();
    let boards: Vec<&str> = report.boards.iter().map(|b| b.name.as_str()).collect();
    assert_eq!(boards, names);
    assert!(
        report.boards.iter().all(|b| b.threads_s > 0.0),
        "{report:?}"
    );
}

#[test]
fn agents_are_started_by_ssh_and_leave_nothing() {
    let fakes = Fakes::new(&[("ssh", SSH)]);
    let run = fakes.prepare(matmul("ssh:alpha,me@beta"));
    ran_on(run, &["alpha", "me@beta"]);
    assert_eq!(fakes.asked(), ["alpha", "me@beta"]);
}

#[test]
fn agents_are_started_on_the_nodes_of_slurm() {
    let fakes = Fakes::new(&[("srun", SRUN)]);
    let run = fakes
        .prepare(matmul("slurm"))
        .variable("SLURM_JOB_NODELIST", "127.0.0.[1-2]")
        .variable("SLURM_JOB_CPUS_PER_NODE", "1(x2)");
    ran_on(run, &["127.0.0.1", "127.0.0.2"]);
    assert_eq!(fakes.asked(), ["127.0.0.1", "127.0.0.2"]);
}

#[test]
fn agents_are_started_on_the_hosts_of_pbs() {
    let fakes = Fakes::new(&[("ssh", SSH), ("nodes", "n1\nn2\nn1\n")]);
    let run = fakes
        .prepare(matmul("pbs"))
        .variable("PBS_NODEFILE", fakes.0.path("nodes"));
    ran_on(run, &["n1", "n2"]);
    assert_eq!(fakes.asked(), ["n1", "n2"]);
}

#[test]
fn a_file_names_hosts() {
    let text = "# two\nalpha slots=4\n beta   # the other\n";
    let fakes = Fakes::new(&[("ssh", SSH), ("hosts", text)]);
    let boards = format!("hostfile:{}", fakes.0.path("hosts").display());
    ran_on(fakes.prepare(matmul(&boards)), &["alpha", "beta"]);
}

#[test]
fn tables_name_boards() {
    let text = "[policy]\nname = \"static\"\n\n[[boards]]\nname = \"big\"\naddress = \"ssh:alpha\"\n\
                slots = 2\nlabels = [\"arm\", \"rack=1\"]\nwatts = { idle = 3.5, busy = 11 }\n";
    let fakes = Fakes::new(&[("ssh", SSH), ("rtx.toml", text)]);
    let run = Run::supervised(Guest::example("matmul").path())
        .report()
        .args(examples::named("matmul").short.iter().copied())
        .flags(["--config".into(), fakes.0.path("rtx.toml").into_os_string()])
        .flags(["--record".into(), fakes.0.path("looks").into_os_string()]);
    ran_on(fakes.prepare(run), &["big"]);
    let looks = std::fs::read_to_string(fakes.0.path("looks")).expect("recorded");
    for told in [
        r#""labels":{"arm":"","rack":"1"}"#,
        r#""idle_w":3.5,"busy_w":11.0"#,
    ] {
        assert!(looks.contains(told), "the policy has not seen {told}");
    }
}

#[test]
fn nothing_stays_when_rtx_run_is_killed() {
    let fakes = Fakes::new(&[("ssh", SSH)]);
    let run = fakes.prepare(
        Run::supervised(Guest::test("rounds").path())
            .flags(["--policy", "static", "--boards", "ssh:alpha,beta"])
            .args(["4"]),
    );
    let running = run.open_input().start();
    running.wait_for_output("ready");
    std::thread::sleep(SETTLE);
    running.wait_until("both agents run", |running| {
        let agents = |p: &Process| p.name == "rtx-board";
        (running.processes().iter().filter(|p| agents(p)).count() >= 2).then_some(())
    });
    running.signal(Signal::SIGKILL);
    // It fails if a process or a file is left.
    running.finish().ended_with(Status::Killed(libc::SIGKILL));
}

/// Checks a refusal: one line with these words, before anything of the program has run.
#[track_caller]
fn refused(run: Run, words: &[&str]) {
    let outcome = run.finish();
    outcome.ended_with(Status::Exited(125));
    assert_eq!(outcome.stdout(), "");
    let line = outcome.one_line_on_stderr();
    for word in words {
        assert!(line.contains(word), "no \"{word}\" in: {line}");
    }
}

#[test]
fn what_goes_wrong_on_the_way_is_told() {
    let complains = "#!/bin/sh\necho first >&2\necho 'alpha: no route' >&2\nexit 255\n";
    let silent = "#!/bin/sh\nexit 3\n";
    let foreign = "#!/bin/sh\necho rtx-start-1 riscv64 -\ncat > /dev/null\n";
    let hangs = "#!/bin/sh\nexec sleep 1000\n";
    let full = "#!/bin/sh\nTMPDIR=/no/such/directory; export TMPDIR\nwhile [ \"$1\" != -- ]; do \
                shift; done\nshift 2\nexec sh -c \"$*\"\n";
    for (script, words) in [
        (
            complains,
            &["cannot start board ssh:alpha: alpha: no route. Try: ssh"][..],
        ),
        (silent, &["cannot start board ssh:alpha: it ended at once"]),
        (
            foreign,
            &[
                "it is an riscv64 machine, and there is no '",
                "rtx-board.riscv64",
            ],
        ),
        (
            hangs,
            &["cannot start board ssh:alpha: nothing has come of it for 0 s"],
        ),
        (full, &["cannot start board ssh:alpha: mktemp", "/no/such"]),
    ] {
        let fakes = Fakes::new(&[("ssh", script)]);
        let run = fakes.prepare(matmul("ssh:alpha"));
        let run = match script == hangs {
            true => run.variable("RTX_START_TIMEOUT_MS", "300"),
            false => run,
        };
        refused(run, words);
    }
}

#[test]
fn what_starts_agents_must_be_there() {
    let nothing = Scratch::new();
    let run = matmul("ssh:alpha").variable("PATH", nothing.work());
    refused(
        run,
        &["cannot run ssh to start board ssh:alpha", "Install ssh"],
    );
    let run = matmul("slurm")
        .variable("PATH", nothing.work())
        .variable("SLURM_JOB_NODELIST", "alpha");
    refused(run, &["cannot run srun to start board slurm:alpha"]);
}

#[test]
fn jobs_of_schedulers_must_exist_and_make_sense() {
    refused(
        matmul("slurm"),
        &["SLURM_JOB_NODELIST is not set", "salloc"],
    );
    refused(matmul("pbs"), &["PBS_NODEFILE is not set", "qsub"]);
    let run = matmul("slurm").variable("SLURM_JOB_NODELIST", "n[3-1]");
    refused(
        run,
        &["\"n[3-1]\": a range in it goes backward", "scontrol"],
    );
    let run = matmul("pbs").variable("PBS_NODEFILE", "/no/such/file");
    refused(run, &["cannot read the hosts in '/no/such/file'"]);
    let run = matmul("hostfile:/no/such/file");
    refused(run, &["cannot read the hosts in '/no/such/file'"]);
}

/// What is started for a job serves nobody else, although its port can be reached by anybody here.
#[test]
fn an_agent_of_another_job_refuses() {
    let first = Run::supervised(Guest::test("endless").path())
        .flags(["--policy", "static", "--boards", "local:1"])
        .start();
    let port = first.wait_until("its agent listens", |running| {
        running.boards().first()?.listens_on()
    });
    refused(
        matmul(&format!("127.0.0.1:{port}")),
        &["board local-1 was started for another job and serves nobody else"],
    );
    first.signal(Signal::SIGTERM);
    first.finish();
}

#[test]
fn nothing_is_left_in_the_temporary_directory_while_an_agent_runs() {
    let fakes = Fakes::new(&[("ssh", SSH)]);
    let place = Scratch::new();
    let running = fakes
        .prepare(Run::supervised(Guest::test("endless").path()).flags([
            "--policy",
            "static",
            "--boards",
            "ssh:alpha",
        ]))
        .variable("TMPDIR", place.tmp())
        .start();
    running.wait_until("the guest runs", |running| {
        let guest = |p: &Process| p.name == "endless";
        running.processes().iter().any(guest).then_some(())
    });
    assert_eq!(names_in(Path::new(&place.tmp())), Vec::<String>::new());
    running.signal(Signal::SIGTERM);
    running.finish();
}
