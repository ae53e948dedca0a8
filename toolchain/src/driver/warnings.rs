//! What cannot migrate, told to people in the form of compilers' warnings.

use std::cell::Cell;

use super::arguments::Arguments;
use crate::pass::pins::Reason;

/// Prints warnings that are not silenced.
pub struct Warnings<'a> {
    arguments: &'a Arguments,
    printed: Cell<usize>,
}

impl<'a> Warnings<'a> {
    /// As the command line wants them.
    pub fn new(arguments: &'a Arguments) -> Warnings<'a> {
        Warnings {
            arguments,
            printed: Cell::new(0),
        }
    }

    /// How many were printed.
    pub fn count(&self) -> usize {
        self.printed.get()
    }

    /// Prints one: what is so, and what happens instead.
    pub fn warn(&self, location: Option<&str>, option: &str, text: &str) {
        if self.arguments.is_silenced(option) {
            return;
        }
        self.printed.set(self.printed.get() + 1);
        let place = location.map_or_else(|| "rtx-cc".to_owned(), ToOwned::to_owned);
        eprintln!("{place}: warning: {text} [-Wrtx-{option}]");
    }

    /// Prints why a function has no equivalence points.
    pub fn fixed(&self, location: Option<&str>, function: &str, reason: Reason) {
        let text = format!(
            "'{function}' {}; a thread in it stays on its instruction set until it returns",
            reason.text()
        );
        self.warn(location, reason.option(), &text);
    }
}
