//! Jobs of Slurm: job scripts that contain `rtx-run --boards slurm`, on a cluster of one machine that the tests start.
//! Needs root.

mod cluster;

use cluster::{Cluster, Job, quoted, text, wait_until};
use rtx_tests::procfs::Process;
use rtx_tests::{Guest, Run, checkout, examples};

/// The command line of a run in a job script.
fn run(policy: &str, guest: &Guest, args: &[&str]) -> String {
    let rtx = quoted(&checkout::binary("rtx-run"));
    let args = args.join(" ");
    format!(
        "{rtx} --policy {policy} --boards slurm --insecure -- {} {args}",
        quoted(guest.path())
    )
}

/// What stands on boards for a job: its agents and their replicas, by process ids.
struct Boards {
    agents: Vec<i32>,
    replicas: Vec<i32>,
}

impl Boards {
    /// Waits until a job has a replica on each board.
    fn of(job: &Job) -> Boards {
        // A replica has nothing of the job's environment.
        let look = || {
            let named = job
                .processes()
                .into_iter()
                .filter(|p| p.name == "rtx-board");
            let agents: Vec<i32> = named.map(|p| p.pid).collect();
            let all = Process::all().into_iter();
            let replicas = all
                .filter(|p| agents.contains(&p.parent))
                .map(|p| p.pid)
                .collect();
            Boards { agents, replicas }
        };
        wait_until("the job has a replica on a board", || {
            !look().replicas.is_empty()
        });
        look()
    }

    /// Waits until nothing of them is left.
    fn gone(&self) {
        wait_until("agents and replicas are gone", || {
            let mut pids = self.agents.iter().chain(&self.replicas);
            !pids.any(|pid| Process::find(*pid).is_some())
        });
    }
}

#[test]
fn jobs() {
    let cluster = Cluster::start();
    let example = examples::named("matmul");
    let guest = Guest::example("matmul");
    // Hours of work.
    let long = Guest::example("stencil");
    let endless = ["--threads", "4", "--size", "1024", "--sweeps", "100000"];

    // A job script does the right thing by itself, and writes what the program writes natively.
    let native = Run::native(guest.path())
        .args(example.short.iter().copied())
        .finish();
    let plain = cluster.submit("plain", &[], &run("congestion", &guest, example.short));
    let (state, exit) = plain.over();
    assert_eq!((&*state, &*exit), ("COMPLETED", "0:0"), "{}", plain.log());
    assert_eq!(plain.log(), native.succeeded().stdout());

    // A cancelled job leaves nothing behind.
    let cancelled = cluster.submit("cancelled", &[], &run("static", &long, &endless));
    let boards = Boards::of(&cancelled);
    assert!(
        cluster
            .command("scancel", &[&cancelled.id])
            .status
            .success()
    );
    assert_eq!(cancelled.over().0, "CANCELLED", "{}", cancelled.log());
    boards.gone();

    // One whose board is lost is requeued, and done the second time.
    let script = format!(
        "echo attempt ${{SLURM_RESTART_COUNT:-0}}\n\
         if [ \"${{SLURM_RESTART_COUNT:-0}}\" = 0 ]; then {}; else {}; fi\n\
         status=$?\n\
         [ $status = 75 ] && scontrol requeue $SLURM_JOB_ID && sleep 60\n\
         exit $status",
        run("static", &long, &endless),
        run("static", &guest, example.short),
    );
    let requeued = cluster.submit("requeued", &["--requeue"], &script);
    let boards = Boards::of(&requeued);
    let killed = cluster.command("kill", &["-KILL", &boards.agents[0].to_string()]);
    assert!(killed.status.success(), "{}", text(&killed.stderr));
    requeued.writes("attempt 1");
    let (state, exit) = requeued.over();
    assert_eq!(
        (&*state, &*exit),
        ("COMPLETED", "0:0"),
        "{}",
        requeued.log()
    );
    let log = requeued.log();
    assert!(
        log.contains("was lost") || log.contains("is gone") || log.contains("lost"),
        "{log}"
    );
    assert!(log.ends_with(&native.stdout()), "{log}");
    boards.gone();

    // A time limit ends all of a job.
    let limited = cluster.submit("limited", &["--time=1"], &run("static", &long, &endless));
    let boards = Boards::of(&limited);
    assert_eq!(limited.over().0, "TIMEOUT", "{}", limited.log());
    boards.gone();
}
