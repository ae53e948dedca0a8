//! What lies in pages. A program's debug information can be large, and the screen must not wait for it: a thread of
//! its own looks, and what it has found is shown from the next look on.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::sync::mpsc::{Receiver, Sender, channel};

use rtx_runtime::home::operator::Status;
use rtx_runtime::report::HotPage;

use crate::program::name_variables_of;

/// Pages of which it is known; with more, all are looked for again.
const MOST: usize = 4096;

/// A process and its program's file: another after an exec.
type Program = (i32, u64, u64);

/// What is known of pages, by their addresses.
pub struct Names {
    of: Option<Program>,
    known: BTreeMap<u64, HotPage>,
    /// The thread has not answered the last question.
    waits: bool,
    asked: Sender<Question>,
    found: Receiver<Question>,
}

/// Pages of a program; the answer has their variables.
struct Question {
    of: Program,
    pages: Vec<HotPage>,
}

impl Names {
    /// Starts the thread, which ends when this is dropped.
    pub fn start() -> std::io::Result<Names> {
        let (asked, questions) = channel::<Question>();
        let (answers, found) = channel();
        std::thread::Builder::new()
            .name("rtx-names".into())
            .spawn(move || {
                for mut question in questions {
                    name_variables_of(&mut question.pages, question.of.0);
                    // A file that is not the one that was meant any more has told nothing.
                    if program(question.of.0) != Some(question.of) {
                        question.pages.clear();
                    }
                    if answers.send(question).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Names {
            of: None,
            known: BTreeMap::new(),
            waits: false,
            asked,
            found,
        })
    }

    /// Names the variables in pages that are known, and has others looked at.
    pub fn fill(&mut self, status: &mut Status) {
        if status.hot_pages.is_empty() {
            return;
        }
        let of = program(status.pid);
        if of != self.of || self.known.len() > MOST {
            self.of = of;
            self.known.clear();
        }
        for answer in self.found.try_iter() {
            self.waits = false;
            if self.of == Some(answer.of) {
                let pages = answer.pages.into_iter();
                self.known.extend(pages.map(|page| (page.address, page)));
            }
        }
        let mut unknown = Vec::new();
        for page in &mut status.hot_pages {
            match self.known.get(&page.address) {
                Some(known) => {
                    page.symbols.clone_from(&known.symbols);
                    page.line.clone_from(&known.line);
                }
                None => unknown.push(page.clone()),
            }
        }
        if let Some(of) = self.of
            && !self.waits
            && !unknown.is_empty()
        {
            let pages = unknown;
            // Without the thread pages have no names.
            self.waits = self.asked.send(Question { of, pages }).is_ok();
        }
    }
}

fn program(pid: i32) -> Option<Program> {
    let file = std::fs::metadata(format!("/proc/{pid}/exe")).ok()?;
    Some((pid, file.dev(), file.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    /// A variable of this program, alone in its page.
    #[repr(align(4096))]
    struct Aligned(#[allow(dead_code)] [u8; 4096]);
    static FOUGHT_OVER: Aligned = Aligned([1; 4096]);

    #[test]
    fn pages_have_names_from_a_later_look_on() {
        let address = std::ptr::from_ref(&FOUGHT_OVER).addr() as u64;
        let look = || Status {
            pid: std::process::id() as i32,
            hot_pages: vec![HotPage {
                address,
                switches: 5,
                ..HotPage::default()
            }],
            ..Status::default()
        };
        let mut names = Names::start().expect("a thread");
        let mut status = look();
        names.fill(&mut status);
        assert_eq!(status, look(), "not known yet");
        let begun = Instant::now();
        while status.hot_pages[0].symbols.is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(60), "no answer");
            std::thread::sleep(Duration::from_millis(10));
            status = look();
            names.fill(&mut status);
        }
        let symbols = &status.hot_pages[0].symbols;
        assert!(
            symbols.iter().any(|name| name.contains("FOUGHT_OVER")),
            "{symbols:?}"
        );
    }
}
