//! How `rtx-run` says that something is wrong: one line, `rtx-run: WHAT: WHY. FIX`, and an exit
//! status that tells its own failures from the program's.

use std::error::Error;

/// Exit statuses of `rtx-run` itself; any other status is the program's.
pub mod status {
    /// A board was lost and the job could not go on. (`EX_TEMPFAIL` of sysexits.h: trying again
    /// may help.)
    pub const BOARD_LOST: u8 = 75;
    /// `rtx-run` refused or failed. Nothing of the program has run, unless the message says so.
    pub const REFUSED: u8 = 125;
    /// The program was found but cannot be run.
    pub const NOT_RUNNABLE: u8 = 126;
    /// The program was not found.
    pub const NOT_FOUND: u8 = 127;
}

/// An error that can tell the user what to do.
///
/// `Display` says what failed and, where the source does not, why; it begins in lower case, has no
/// full stop and does not repeat its source.
pub trait Explain: Error {
    /// What to do about it: sentences, the last without its full stop.
    fn fix(&self) -> Option<String>;

    /// The exit status to end with.
    fn status(&self) -> u8 {
        status::REFUSED
    }
}

impl<E: Explain + 'static> From<E> for Box<dyn Explain> {
    fn from(error: E) -> Self {
        Box::new(error)
    }
}

/// The error, its sources and its fix as one line without the newline.
pub fn line(command: &str, error: &dyn Explain) -> String {
    format!("{command}: {}", told(error))
}

/// The same, without the command that says it.
pub fn told(error: &dyn Explain) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&without_os_number(&cause.to_string()));
        source = cause.source();
    }
    if let Some(fix) = error.fix() {
        text.push_str(". ");
        text.push_str(&fix);
    }
    text.chars().flat_map(printable).collect()
}

/// Prints the line to stderr. Whether anybody can read it there is not our trouble.
pub fn print(command: &str, error: &dyn Explain) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{}", line(command, error));
}

/// "No such file or directory (os error 2)" without its parenthesis, in lower case.
pub(crate) fn without_os_number(text: &str) -> String {
    match text.split_once(" (os error ") {
        Some((words, rest)) if rest.ends_with(')') => {
            let mut chars = words.chars();
            let first = chars.next().map(|c| c.to_lowercase().to_string());
            first.unwrap_or_default() + chars.as_str()
        }
        _ => text.to_owned(),
    }
}

/// Names can contain newlines and escape sequences; a message must not.
fn printable(c: char) -> Vec<char> {
    match c {
        '\n' => vec![' '],
        c if c.is_control() => c.escape_default().collect(),
        c => vec![c],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read {name:?}")]
    struct Unreadable {
        name: String,
        source: io::Error,
    }

    impl Explain for Unreadable {
        fn fix(&self) -> Option<String> {
            Some("Check the path".to_owned())
        }
    }

    fn unreadable(name: &str) -> Unreadable {
        Unreadable {
            name: name.to_owned(),
            source: io::Error::from_raw_os_error(2),
        }
    }

    #[test]
    fn a_line_says_what_why_and_the_fix() {
        assert_eq!(
            line("rtx-run", &unreadable("a b")),
            "rtx-run: cannot read \"a b\": no such file or directory. Check the path"
        );
    }

    #[test]
    fn a_line_stays_one_line_and_moves_no_cursor() {
        #[derive(Debug, thiserror::Error)]
        #[error("bad\nname \x1b[2J")]
        struct Nasty;
        impl Explain for Nasty {
            fn fix(&self) -> Option<String> {
                None
            }
        }
        assert_eq!(line("rtx-run", &Nasty), "rtx-run: bad name \\u{1b}[2J");
    }
}
