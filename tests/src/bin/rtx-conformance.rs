//! The conformance programs in all modes: `rtx-conformance [OPTION...] [NAME...]`. See
//! `docs/testing.md`.

use std::process::ExitCode;
use std::time::Duration;

use rtx_tests::checkout;
use rtx_tests::conformance::mode::Mode;
use rtx_tests::conformance::program::Program;
use rtx_tests::conformance::way::Way;
use rtx_tests::conformance::{open, soak, table};

const USAGE: &str = "Usage: rtx-conformance [OPTION...] [NAME...]

Runs the conformance programs natively and under rtx-run in several ways, and compares. NAME is an
area, a program, or AREA/PROGRAM; without any, all are run. The examples are an area that is run when
it is named, or soaked. Ends with status 1 if anything differs.

  --seeds N        shuffle with the seeds 1 to N (default 3; 0: not at all)
  --seed N         shuffle with this seed instead; may be given again (with --soak: the first seed)
  --jobs N         programs at a time (default: one for each core)
  --soak SECONDS   run them and the examples under shuffle with up to 200 seeds for that long, beside
                   a coherence storm and a crowd whose memory is watched
  --rtx-cc         built by rtx-cc, whose threads go to other instruction sets: only C, and without those of
                   tests/conformance/rtx-cc-exceptions.txt
  --boards LIST    on these boards instead of two on this machine
  --insecure       which have no certificates
  --settled        leave out the programs of tests/conformance/open.txt, which are known to differ
  --list           only say which programs there are
  --help           show this help
";

/// What is to be done.
struct Wish {
    seeds: Vec<u64>,
    jobs: usize,
    soak: Option<Duration>,
    list: bool,
    settled: bool,
    way: Way,
    names: Vec<String>,
}

fn main() -> ExitCode {
    // What the testbed says about a run is told with the run.
    std::panic::set_hook(Box::new(|_| {}));
    match understand(std::env::args().skip(1)) {
        Ok(Some(wish)) => match fulfil(&wish) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(what) => misuse(&what),
        },
        Ok(None) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Err(what) => misuse(&what),
    }
}

fn misuse(what: &str) -> ExitCode {
    eprintln!("rtx-conformance: {what}. See rtx-conformance --help");
    ExitCode::from(2)
}

/// `None`: help is wanted.
fn understand(args: impl Iterator<Item = String>) -> Result<Option<Wish>, String> {
    let mut wish = Wish {
        seeds: Vec::new(),
        jobs: std::thread::available_parallelism().map_or(1, usize::from),
        soak: None,
        list: false,
        settled: false,
        way: Way::default(),
        names: Vec::new(),
    };
    let mut count = 3;
    let mut args = args;
    while let Some(arg) = args.next() {
        let mut number = || -> Result<u64, String> {
            let value = args.next().unwrap_or_default();
            let number = value.parse();
            number.map_err(|_| format!("{arg} takes a number, not '{value}'"))
        };
        match arg.as_str() {
            "--seeds" => count = number()?,
            "--seed" => wish.seeds.push(number()?),
            "--jobs" => wish.jobs = number()? as usize,
            "--soak" => wish.soak = Some(Duration::from_secs(number()?)),
            "--list" => wish.list = true,
            "--rtx-cc" => wish.way.rtx_cc = true,
            "--insecure" => wish.way.insecure = true,
            "--boards" => {
                let boards = args.next();
                wish.way.boards = Some(boards.ok_or("--boards takes a list of boards")?);
            }
            "--settled" => wish.settled = true,
            "--help" | "-h" => return Ok(None),
            option if option.starts_with('-') => {
                return Err(format!("there is no option {option}"));
            }
            name => wish.names.push(name.to_owned()),
        }
    }
    if wish.seeds.is_empty() {
        wish.seeds = (1..=count).collect();
    }
    Ok(Some(wish))
}

/// Whether all is well.
fn fulfil(wish: &Wish) -> Result<bool, String> {
    let root = checkout::root().join("tests/conformance");
    let mut programs = Program::all(&root)?;
    let conformance = programs.len();
    programs.extend(Program::examples());
    if let Some(name) = wish
        .names
        .iter()
        .find(|name| !programs.iter().any(|program| program.is_meant(name)))
    {
        return Err(format!("there is no program or area '{name}'"));
    }
    if wish.names.is_empty() && wish.soak.is_none() {
        programs.truncate(conformance);
    }
    let mut leave_out = |list: &str| -> Result<(), String> {
        let known = open::read(&root.join(list), &programs)?;
        programs.retain(|p| !known.contains(&p.path()));
        let count = known.len();
        println!("left out, for they are known to differ ({list}): {count}");
        Ok(())
    };
    if wish.settled {
        leave_out("open.txt")?;
    }
    if wish.way.rtx_cc {
        leave_out("rtx-cc-exceptions.txt")?;
        programs.retain(Program::is_for_rtx_cc);
    }
    programs.retain(|p| wish.names.is_empty() || wish.names.iter().any(|name| p.is_meant(name)));
    if wish.list {
        for program in &programs {
            println!("{}", program.path());
        }
        return Ok(true);
    }
    if let Some(time) = wish.soak {
        let wanted = soak::Wanted {
            time,
            first_seed: wish.seeds.first().copied().unwrap_or(1),
            jobs: wish.jobs,
            all: wish.names.is_empty(),
        };
        return Ok(soak::soak(&programs, &wanted, &wish.way) == 0);
    }
    let mut modes = Mode::all(&wish.seeds);
    if wish.way.rtx_cc {
        // It moves nothing, whoever has built it.
        modes.retain(|mode| *mode != Mode::Never);
    }
    Ok(table::print(&programs, &modes, wish.jobs, &wish.way) == 0)
}
