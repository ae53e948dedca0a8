//! The report of a job: what the runtime has counted, in the form that users get.

use std::collections::BTreeMap;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use rtx_runtime::home::backtraces::Crash;
use rtx_runtime::home::job::JobResult;
use rtx_runtime::report::timeline::Timeline;
use rtx_runtime::report::{
    BoardReport, CallReport, CrashReport, EnergyReport, Exit, Histograms, LatencyReport, NodeUse,
    Pages, Report, SCHEMA, ThreadReport,
};

fn crash_report(result: &JobResult, crash: &Crash) -> CrashReport {
    let board = crash
        .board
        .and_then(|id| result.boards.get(usize::from(id) - 1));
    let report = CrashReport {
        tid: crash.tid,
        signal: crash.signal,
        board: board.map(|board| board.name.clone()),
        ..CrashReport::default()
    };
    report.with(crash.backtrace.clone())
}

/// The report, but for how the program ended and what those saw who watched it.
pub fn report(
    result: &JobResult,
    program: &std::path::Path,
    argv: &[std::ffi::OsString],
    policy: String,
) -> Report {
    let seconds = |ns: u64| ns as f64 / 1e9;
    let boards = result.boards.iter().enumerate().map(|(i, b)| BoardReport {
        name: b.name.clone(),
        isa: b.isa.clone(),
        address: b.address.clone(),
        threads_s: seconds(result.pager.board_ns.get(i).copied().unwrap_or(0)),
    });
    let threads = result.threads.iter().map(|(tid, c)| ThreadReport {
        tid: *tid,
        home_s: seconds(c.home_ns),
        board_s: seconds(c.board_ns),
        offloads: c.offloads,
        recalls: c.recalls,
        back_migrations: c.back_migrations,
        home_calls: c.home_calls,
    });
    let pages = result.pager.counters;
    Report {
        schema: SCHEMA.to_owned(),
        program: program.to_string_lossy().into_owned(),
        args: argv
            .iter()
            .skip(1)
            .map(|a| a.to_string_lossy().into_owned())
            .collect(),
        origin: None,
        exit: Exit::default(),
        crash: result
            .crash
            .as_ref()
            .map(|crash| crash_report(result, crash)),
        wall_s: result.wall_s,
        policy,
        boards: boards.collect(),
        threads: threads.collect(),
        calls: CallReport::list(&result.stats.calls),
        recall_causes: result.stats.recalls.clone(),
        isa_s: isa_seconds(result),
        crossings: result.threads.iter().map(|(_, c)| c.crossings).sum(),
        stays: result.stats.stays.clone(),
        energy: energy(result),
        pages: Pages {
            read: pages.read,
            write: pages.write,
            upgrade: pages.upgrade,
            invalidated: pages.invalidated,
            prefetched: pages.prefetched,
            zero: result.pager.zero,
            bytes: result.pager.bytes,
        },
        latency_us: LatencyReport {
            fault: result.pager.faults.percentiles(),
            freeze: result.stats.freeze.percentiles(),
            offload: result.stats.offload.percentiles(),
            back_migration: result.stats.back_migration.percentiles(),
            cross_isa: result.stats.crossing.percentiles(),
            to_point: result.stats.to_point.percentiles(),
            from_point: result.stats.from_point.percentiles(),
        },
        histograms_us: Histograms {
            fault: result.pager.faults.buckets(),
            freeze: result.stats.freeze.buckets(),
            offload: result.stats.offload.buckets(),
            back_migration: result.stats.back_migration.buckets(),
            cross_isa: result.stats.crossing.buckets(),
            to_point: result.stats.to_point.buckets(),
            from_point: result.stats.from_point.buckets(),
        },
        refusals: BTreeMap::new(),
        timeline: Timeline::default(),
        hot_pages: result.pager.hot.clone(),
    }
}

/// What home and the boards took from the wall.
fn energy(result: &JobResult) -> Option<EnergyReport> {
    let at_home: u64 = result.threads.iter().map(|(_, c)| c.home_ns).sum();
    // Boards cost home what it serves them.
    let own = getrusage(UsageWho::RUSAGE_SELF).map_or(0.0, |usage| {
        let seconds = |time: TimeVal| time.num_microseconds() as f64 / 1e6;
        seconds(usage.user_time()) + seconds(usage.system_time())
    });
    let mut nodes = vec![NodeUse {
        name: "home".to_owned(),
        measured: result.joules,
        watts: result.watts,
        cores: result.cores,
        cpu_s: at_home as f64 / 1e9 + own,
    }];
    for (board, ns) in result.boards.iter().zip(&result.pager.board_ns) {
        let counted = board.told.load.and_then(|load| load.millijoules);
        nodes.push(NodeUse {
            name: board.name.clone(),
            // Home's counters have counted it already.
            measured: counted
                .filter(|_| !board.told.stands_in)
                .map(|mj| mj as f64 / 1000.0),
            watts: board.told.watts,
            cores: board.cores,
            cpu_s: *ns as f64 / 1e9,
        });
    }
    EnergyReport::of(&nodes, result.wall_s)
}

/// Processor time by instruction set.
fn isa_seconds(result: &JobResult) -> BTreeMap<String, f64> {
    let at_home: u64 = result.threads.iter().map(|(_, c)| c.home_ns).sum();
    let mut seconds = BTreeMap::from([(std::env::consts::ARCH.to_owned(), at_home as f64 / 1e9)]);
    for (board, ns) in result.boards.iter().zip(&result.pager.board_ns) {
        *seconds.entry(board.isa.clone()).or_default() += *ns as f64 / 1e9;
    }
    seconds
}
