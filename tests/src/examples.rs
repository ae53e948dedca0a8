//! The example programs, with options that make a short run of each.

/// An example.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// Its name.
    pub name: &'static str,
    /// Options for a run of well under a second.
    pub short: &'static [&'static str],
}

const fn example(name: &'static str, short: &'static [&'static str]) -> Example {
    Example { name, short }
}

/// All of them.
pub const ALL: [Example; 10] = [
    example("matmul", &["--threads", "4", "--size", "256"]),
    example("blackscholes", &["--threads", "4", "--size", "1024"]),
    example("textsearch", &["--threads", "4", "--size", "1024"]),
    example(
        "multiwriter",
        &["--threads", "4", "--size", "200", "--work", "1000"],
    ),
    example("multireader", &["--threads", "4", "--size", "2000"]),
    example(
        "singlewriter",
        &["--threads", "4", "--size", "200", "--work", "1000"],
    ),
    example("pipeline", &["--threads", "4", "--size", "200"]),
    example(
        "stencil",
        &["--threads", "4", "--size", "256", "--sweeps", "10"],
    ),
    example(
        "stackshare",
        &["--threads", "4", "--size", "40", "--work", "10000"],
    ),
    example("printer", &["--threads", "4", "--size", "12"]),
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
