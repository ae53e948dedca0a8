//! What the tests of rtx-cc share: building programs, running them on both instruction sets.

#![allow(dead_code)] // each test file uses its part

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// rtx-cc, with its C library built.
pub fn rtx_cc() -> Command {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let output = Command::new(env!("CARGO_BIN_EXE_rtx-cc"))
            .arg("setup")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    });
    Command::new(env!("CARGO_BIN_EXE_rtx-cc"))
}

/// A file of the source tree.
pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A directory for one test, empty.
pub fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// Runs a command that must succeed.
pub fn succeed(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// What a command prints on standard error, however it ends.
pub fn complaint(command: &mut Command) -> String {
    String::from_utf8_lossy(&command.output().unwrap().stderr).into_owned()
}

/// A program for both instruction sets.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<String>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Where a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    X86,
    Arm,
}

impl On {
    pub fn other(self) -> On {
        if self == On::X86 { On::Arm } else { On::X86 }
    }
}

impl Program {
    /// Builds `sources` with the self-test in it.
    pub fn build(directory: &Path, name: &str, sources: &[&Path], options: &[&str]) -> Program {
        let path = directory.join(name);
        succeed(
            rtx_cc()
                .args(["-O2", "-w", "-frtx-selftest"])
                .args(options)
                .arg("-o")
                .arg(&path)
                .args(sources),
        );
        Program {
            path,
            arguments: Vec::new(),
        }
    }

    /// A program that has been built.
    pub fn at(path: &Path) -> Program {
        Program {
            path: path.to_owned(),
            arguments: Vec::new(),
        }
    }

    pub fn with(mut self, arguments: &[&str]) -> Program {
        self.arguments = arguments.iter().map(|a| (*a).to_owned()).collect();
        self
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs it with the self-test's settings, for at most a minute.
    pub fn run(&self, on: On, settings: &[(&str, &str)]) -> Run {
        let mut command = Command::new("timeout");
        command.arg("60");
        match on {
            On::X86 => command.arg(&self.path),
            On::Arm => command.arg("qemu-aarch64-static").arg(second(&self.path)),
        };
        command.args(&self.arguments);
        for (key, value) in settings {
            command.env(format!("RTX_SELFTEST_{key}"), value);
        }
        let output = command.output().unwrap();
        Run {
            status: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// How many equivalence points a run reaches.
    pub fn points(&self) -> u64 {
        let run = self.run(On::X86, &[("COUNT", "1")]);
        run.err
            .lines()
            .find_map(|l| l.strip_prefix("points "))
            .unwrap_or_else(|| panic!("{run:?}"))
            .parse()
            .unwrap()
    }

    /// Freezes at a point and goes on elsewhere; what both runs print, and how the second ends.
    pub fn cross(&self, from: On, point: u64, dump: &Path) -> Run {
        let file = dump.to_str().unwrap();
        let first = self.run(from, &[("STOP", &point.to_string()), ("DUMP", file)]);
        assert_eq!(
            first.status,
            Some(42),
            "freezing at point {point} on {from:?}: {first:?}"
        );
        let second = self.run(from.other(), &[("RESUME", file)]);
        Run {
            out: first.out + &second.out,
            ..second
        }
    }
}

/// How a program crosses again and again.
pub struct Crossings<'a> {
    /// Where it begins.
    pub from: On,
    /// The point at which it crosses first.
    pub first: u64,
    /// At most so many points lie between two crossings.
    pub stride: u64,
    /// What else a failure says.
    pub what: &'a str,
}

impl Program {
    /// Lets it cross as `how` says until it ends, its states in files in `directory`. It must print `expected` in
    /// all. Returns how often it has crossed.
    pub fn cross_many(
        &self,
        directory: &Path,
        how: &Crossings,
        numbers: &mut Numbers,
        expected: &str,
    ) -> u64 {
        let (old, new) = (directory.join("old"), directory.join("new"));
        let (old_name, new_name) = (old.to_str().unwrap(), new.to_str().unwrap());
        let (mut on, mut point, mut hops) = (how.from, how.first, 0);
        let mut run = self.run(on, &[("STOP", &point.to_string()), ("DUMP", new_name)]);
        let mut out = run.out.clone();
        while run.status == Some(42) {
            std::fs::rename(&new, &old).unwrap();
            point += 1 + numbers.below(how.stride);
            on = on.other();
            hops += 1;
            let stop = point.to_string();
            run = self.run(
                on,
                &[("RESUME", old_name), ("STOP", &stop), ("DUMP", new_name)],
            );
            out += &run.out;
        }
        assert_eq!(
            (run.status, out.as_str()),
            (Some(0), expected),
            "{} from point {} on {:?}, {hops} crossings: {}",
            how.what,
            how.first,
            how.from,
            run.err
        );
        hops
    }
}

/// A small generator of numbers (SplitMix64), so that failures can be repeated.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit.max(1)
    }
}

fn second(path: &Path) -> PathBuf {
    rtx_toolchain::driver::link::second_output(path)
}
