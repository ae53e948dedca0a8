//! The example programs, with options that make a short run of each.

/// An example.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// Its name.
    pub name: &'static str,
    /// Options for a run of well under a second.
    pub short: &'static [&'static str],
    /// Options for a run of about a second under `shuffle`, in which threads move many times.
    pub long: &'static [&'static str],
}

const fn example(
    name: &'static str,
    short: &'static [&'static str],
    long: &'static [&'static str],
) -> Example {
    Example { name, short, long }
}

/// All of them.
pub const ALL: [Example; 10] = [
    example(
        "matmul",
        &["--threads", "4", "--size", "256"],
        &["--threads", "4", "--size", "1024"],
    ),
    example(
        "blackscholes",
        &["--threads", "4", "--size", "1024"],
        &["--threads", "4", "--size", "65536"],
    ),
    example(
        "textsearch",
        &["--threads", "4", "--size", "1024"],
        &["--threads", "4", "--size", "65536"],
    ),
    example(
        "multiwriter",
        &["--threads", "4", "--size", "200", "--work", "1000"],
        &["--threads", "4", "--size", "1000", "--work", "100000"],
    ),
    example(
        "multireader",
        &["--threads", "4", "--size", "2000"],
        &["--threads", "4", "--size", "50000"],
    ),
    example(
        "singlewriter",
        &["--threads", "4", "--size", "200", "--work", "1000"],
        &["--threads", "4", "--size", "1000", "--work", "100000"],
    ),
    example(
        "pipeline",
        &["--threads", "4", "--size", "200"],
        &["--threads", "4", "--size", "1000"],
    ),
    example(
        "stencil",
        &["--threads", "4", "--size", "256", "--sweeps", "10"],
        &["--threads", "4", "--size", "512", "--sweeps", "200"],
    ),
    example(
        "stackshare",
        &["--threads", "4", "--size", "40", "--work", "10000"],
        &["--threads", "4", "--size", "100", "--work", "1000000"],
    ),
    example(
        "printer",
        &["--threads", "4", "--size", "12"],
        &["--threads", "4", "--size", "40"],
    ),
];

/// The example of this name.
pub fn named(name: &str) -> Example {
    let example = ALL.into_iter().find(|example| example.name == name);
    example.unwrap_or_else(|| panic!("there is no example {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_forgotten() {
        let sources = crate::scratch::names_in(&crate::checkout::root().join("examples"));
        let programs = sources.iter().filter_map(|name| name.strip_suffix(".c"));
        let mut known = ALL.map(|example| example.name);
        known.sort_unstable();
        assert_eq!(programs.collect::<Vec<_>>(), known);
    }
}
