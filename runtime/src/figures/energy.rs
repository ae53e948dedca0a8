//! Counters of energy: RAPL (powercap), else those of hwmon. Both count microjoules.
//!
//! Kernels give RAPL's counters to root only. A counter that cannot be read is left out; without any,
//! what a machine took can only be modelled.

use std::fs;
use std::path::{Path, PathBuf};

/// One counter, read again and again.
#[derive(Clone, Debug)]
struct Counter {
    file: PathBuf,
    /// At which it starts from 0; hwmon's do not.
    range: Option<u64>,
    last: u64,
}

/// All counters of a machine.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    counters: Vec<Counter>,
    microjoules: u64,
}

impl Meter {
    /// Looks for counters of this machine. From now on it counts.
    pub fn begin() -> Meter {
        let rapl = Meter::of(rapl(Path::new("/sys/class/powercap")));
        match rapl.counters.is_empty() {
            true => Meter::of(hwmon(Path::new("/sys/class/hwmon"))),
            false => rapl,
        }
    }

    fn of(files: Vec<(PathBuf, Option<u64>)>) -> Meter {
        let counters = files.into_iter().filter_map(|(file, range)| {
            let last = number(&file)?;
            Some(Counter { file, range, last })
        });
        Meter {
            counters: counters.collect(),
            microjoules: 0,
        }
    }

    /// Joules since it began; `None`: there is no counter. To be called more often than a counter
    /// starts anew, which takes a minute at least.
    pub fn joules(&mut self) -> Option<f64> {
        if self.counters.is_empty() {
            return None;
        }
        for counter in &mut self.counters {
            let Some(now) = number(&counter.file) else {
                continue;
            };
            let gone = match (now.checked_sub(counter.last), counter.range) {
                (Some(gone), _) => gone,
                (None, Some(range)) => range.saturating_sub(counter.last).saturating_add(now),
                // It was reset.
                (None, None) => now,
            };
            counter.last = now;
            self.microjoules = self.microjoules.saturating_add(gone);
        }
        Some(self.microjoules as f64 / 1e6)
    }
}

fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// The counters of whole packages: `intel-rapl:0`, and not their parts, `intel-rapl:0:1`.
fn rapl(class: &Path) -> Vec<(PathBuf, Option<u64>)> {
    let is_package = |name: &str| name.contains("rapl:") && name.matches(':').count() == 1;
    let zones = entries(class)
        .into_iter()
        .filter(|(name, _)| is_package(name));
    zones
        .map(|(_, zone)| {
            (
                zone.join("energy_uj"),
                number(&zone.join("max_energy_range_uj")),
            )
        })
        .collect()
}

fn hwmon(class: &Path) -> Vec<(PathBuf, Option<u64>)> {
    let is_counter = |name: &str| name.starts_with("energy") && name.ends_with("_input");
    let monitors = entries(class).into_iter();
    monitors
        .flat_map(|(_, monitor)| entries(&monitor))
        .filter(|(name, _)| is_counter(name))
        .map(|(_, file)| (file, None))
        .collect()
}

fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut all: Vec<(String, PathBuf)> = entries
        .flatten()
        .map(|e| (e.file_name().to_string_lossy().into_owned(), e.path()))
        .collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own for one test.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("rtx-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    fn write(file: &Path, text: &str) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    #[test]
    fn packages_are_counted_and_their_parts_are_not() {
        let class = folder("rapl");
        for (zone, energy) in [
            ("intel-rapl:0", "1000000"),
            ("intel-rapl:0:0", "7"),
            ("intel-rapl", "9"),
        ] {
            write(&class.join(zone).join("energy_uj"), energy);
            write(&class.join(zone).join("max_energy_range_uj"), "5000000\n");
        }
        let mut meter = Meter::of(rapl(&class));
        assert_eq!(meter.joules(), Some(0.0));
        let file = class.join("intel-rapl:0/energy_uj");
        write(&file, "4000000\n");
        assert_eq!(meter.joules(), Some(3.0));
        write(&file, "500000\n");
        assert_eq!(meter.joules(), Some(4.5), "it has started anew");
        fs::remove_dir_all(class).unwrap();
    }

    #[test]
    fn monitors_are_asked_and_none_is_none() {
        let class = folder("hwmon");
        write(&class.join("hwmon3/energy1_input"), "10\n");
        write(&class.join("hwmon3/power1_input"), "11\n");
        let mut meter = Meter::of(hwmon(&class));
        write(&class.join("hwmon3/energy1_input"), "2000010\n");
        assert_eq!(meter.joules(), Some(2.0));
        fs::remove_dir_all(&class).unwrap();
        assert_eq!(Meter::of(rapl(&class)).joules(), None);
    }
}
