//! What a parameter's value may be.

/// The kind of a parameter, with its range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A time: a number with `ms` or `s`. In milliseconds.
    Time(u64, u64),
    /// A share in percent, from 0 to 100.
    Percent,
    /// A whole number.
    Count(u64, u64),
    /// A number.
    Factor(f64, f64),
    /// An amount of memory in MiB.
    MiB,
    /// One of these words.
    Word(&'static [&'static str]),
    /// `KEY@VALUE` for each of some threads or machines, joined by `/`; or empty.
    Pairs,
}

impl Kind {
    /// The unit, for people.
    pub fn unit(&self) -> &'static str {
        match self {
            Self::Time(..) => "time",
            Self::Percent => "%",
            Self::Count(..) => "count",
            Self::Factor(..) => "factor",
            Self::MiB => "MiB",
            Self::Word(_) => "word",
            Self::Pairs => "pairs",
        }
    }

    /// What a value must be, for people.
    pub fn expected(&self) -> String {
        match self {
            Self::Time(least, most) => {
                format!(
                    "a time from {least}ms to {}s, such as 20ms or 1.5s",
                    most / 1000
                )
            }
            Self::Percent => "a number of percent from 0 to 100".to_owned(),
            Self::Count(least, u64::MAX) => format!("a whole number from {least} on"),
            Self::Count(least, most) => format!("a whole number from {least} to {most}"),
            Self::Factor(least, most) => format!("a number from {least} to {most}"),
            Self::MiB => "a number of MiB, such as 512 or 2GiB".to_owned(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::Pairs => "pairs KEY@VALUE joined by /, such as 1@rack-3/2@home".to_owned(),
        }
    }

    /// Whether a value is one.
    pub fn admits(&self, value: &str) -> bool {
        match self {
            Self::Time(least, most) => ms(value).is_some_and(|v| (*least..=*most).contains(&v)),
            Self::Percent => number(value).is_some_and(|v| (0.0..=100.0).contains(&v)),
            Self::Count(least, most) => value
                .parse()
                .is_ok_and(|v: u64| (*least..=*most).contains(&v)),
            Self::Factor(least, most) => {
                number(value).is_some_and(|v| (*least..=*most).contains(&v))
            }
            Self::MiB => mib(value).is_some(),
            Self::Word(words) => words.contains(&value),
            Self::Pairs => pairs(value).is_some(),
        }
    }
}

/// A number that is one.
pub(super) fn number(text: &str) -> Option<f64> {
    text.trim_end_matches('%')
        .trim()
        .parse()
        .ok()
        .filter(|v: &f64| v.is_finite())
}

/// Milliseconds of a time; a bare number is one of milliseconds.
pub(super) fn ms(text: &str) -> Option<u64> {
    let (figure, each) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(figure), _) => (figure, 1.0),
        (None, Some(figure)) => (figure, 1000.0),
        (None, None) => (text, 1.0),
    };
    let ms = figure.trim().parse::<f64>().ok()? * each;
    ((0.0..=1e15).contains(&ms) && ms.fract() == 0.0).then_some(ms as u64)
}

/// MiB of an amount.
pub(super) fn mib(text: &str) -> Option<u64> {
    let (figure, each) = match (text.strip_suffix("MiB"), text.strip_suffix("GiB")) {
        (Some(figure), _) => (figure, 1),
        (None, Some(figure)) => (figure, 1024),
        (None, None) => (text, 1),
    };
    figure.trim().parse::<u64>().ok()?.checked_mul(each)
}

/// The pairs, in their order. The value stands behind the last `@`.
pub(super) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let pair = |text: &str| {
        let (key, value) = text.rsplit_once('@')?;
        (!key.is_empty() && !value.is_empty()).then(|| (key.to_owned(), value.to_owned()))
    };
    text.split('/').map(pair).collect()
}
