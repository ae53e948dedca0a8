//! What a machine tells of itself: how busy it is, what memory it has left, what it has taken from the
//! wall. Read at home for policies' snapshots and the report, and on boards for their signs of life.
//! What a kernel does not tell is `None`.

mod energy;
mod runnable;

pub use energy::Meter;
pub use runnable::Runnable;

use crate::guest::procfs;

/// How busy a machine is right now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Threads that want one of this process's cores, the one that reads this not counted.
    pub runnable: u32,
    /// A number for the cores that this process is confined to, another one for others; 0: for all.
    pub cores: u64,
    /// Load average of the last minute.
    pub load: f64,
    /// The line `some` of /proc/pressure/cpu: the share of the last ten seconds in percent, and
    /// microseconds in all. The kernel tells it of the whole machine: who is confined to some cores has none.
    pub pressure: Option<(f64, u64)>,
    /// Memory that programs can still get, in bytes.
    pub memory_free: Option<u64>,
}

impl Figures {
    /// Reads them; `apart`: threads of the process that `runnable` has set apart that want a core.
    pub fn read(runnable: &mut Runnable, apart: u32) -> Figures {
        let text = |path: &str| procfs::text(path).ok();
        let count = runnable.with(apart);
        let whole = runnable.cores() == 0;
        let pressure = whole.then(|| text("/proc/pressure/cpu")).flatten();
        Figures {
            runnable: count,
            cores: runnable.cores(),
            load: text("/proc/loadavg").and_then(|t| first(&t)).unwrap_or(0.0),
            pressure: pressure.and_then(|t| some(&t)),
            memory_free: memory_free(),
        }
    }
}

/// Bytes that programs can have without others being pushed out; `None`: not told.
pub fn memory_free() -> Option<u64> {
    available(&procfs::text("/proc/meminfo").ok()?)
}

fn first(text: &str) -> Option<f64> {
    text.split_ascii_whitespace().next()?.parse().ok()
}

/// `some avg10=1.53 avg60=... total=12345` (Documentation/accounting/psi.rst).
fn some(text: &str) -> Option<(f64, u64)> {
    let line = text.lines().find_map(|l| l.strip_prefix("some "))?;
    let field = |name: &str| {
        let mut fields = line.split_ascii_whitespace();
        fields.find_map(|f| f.strip_prefix(name)?.strip_prefix('='))
    };
    Some((field("avg10")?.parse().ok()?, field("total")?.parse().ok()?))
}

/// `MemAvailable:   123 kB` (proc(5), meminfo).
fn available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_as_the_kernel_writes_them() {
        let pressure = "some avg10=1.53 avg60=0.80 avg300=0.20 total=912345\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
        assert_eq!(some(pressure), Some((1.53, 912_345)));
        assert_eq!(some("full avg10=1.53 total=1\n"), None);
        assert_eq!(
            available("MemTotal: 9 kB\nMemAvailable:   2048 kB\n"),
            Some(2 << 20)
        );
        assert_eq!(available("MemTotal: 9 kB\n"), None);
        assert_eq!(first("0.25 0.10 0.05 2/300 1234\n"), Some(0.25));
    }

    #[test]
    fn this_machine_tells_something() {
        let figures = Figures::read(&mut Runnable::default(), 0);
        assert!(
            figures.memory_free.is_some_and(|free| free > 1 << 20),
            "{figures:?}"
        );
    }

    #[test]
    fn who_is_confined_has_no_pressure_of_the_whole_machine() {
        // Of this thread only.
        if !runnable::tests::confine() {
            return;
        }
        let figures = Figures::read(&mut Runnable::default(), 0);
        assert_ne!(figures.cores, 0, "{figures:?}");
        assert_eq!(figures.pressure, None, "{figures:?}");
    }
}
