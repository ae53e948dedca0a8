//! A browser without a window, which shows files and meets nobody.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use rtx_tests::scratch::Scratch;
use rtx_tests::{Outcome, Run};
use serde::Deserialize;

/// Pixels from left to right, for which the page is made.
pub const WIDTH: u32 = 1060;

/// What stands where on a page.
#[derive(Debug, Deserialize)]
pub struct Shown {
    pub title: String,
    /// In pixels.
    pub height: u32,
    /// It is wider than the window.
    pub overflows: bool,
    sections: Vec<Section>,
}

/// What follows a heading.
#[derive(Debug, Deserialize)]
pub struct Section {
    title: String,
    pub drawings: Vec<Drawing>,
    /// The rows of its tables, by their cells.
    pub rows: Vec<Vec<String>>,
}

/// A drawing, as it is seen.
#[derive(Debug, Deserialize)]
pub struct Drawing {
    pub width: f64,
    pub height: f64,
    pub top: f64,
    /// Rectangles, areas and lines that can be seen.
    pub marks: usize,
    /// What they are filled with.
    pub colours: Vec<String>,
    /// The colour of the last one's outline.
    pub stroke: String,
    pub words: Vec<String>,
    /// What is drawn where nobody sees it.
    pub outside: Vec<String>,
    /// Words over which others are written.
    pub overlapping: Vec<String>,
}

impl Drawing {
    /// Fails unless all of it can be seen.
    #[track_caller]
    pub fn is_seen(&self) {
        assert!(self.width > 400.0 && self.height > 50.0, "{self:#?}");
        assert_eq!((&self.outside, &self.overlapping), (&vec![], &vec![]));
    }
}

impl Shown {
    /// What follows this heading.
    #[track_caller]
    pub fn section(&self, title: &str) -> &Section {
        let section = self.sections.iter().find(|section| section.title == title);
        section.unwrap_or_else(|| panic!("no section {title}: {self:#?}"))
    }
}

/// Shows a page and looks at it; also what the browser complains of.
pub fn look(page: &str) -> (Shown, Vec<String>) {
    let scratch = Scratch::new();
    let around = scratch.path("measure.html");
    fs::write(scratch.path("page.html"), page).expect("written");
    fs::write(&around, include_str!("measure.html")).expect("written");
    let outcome = browse(&scratch, &around, ["--dump-dom".into()]);
    let dom = outcome.succeeded().stdout();
    let told = dom
        .split_once("<pre>")
        .and_then(|(_, rest)| rest.split_once("</pre>"));
    let (told, _) = told.unwrap_or_else(|| panic!("nothing was measured\n{outcome}"));
    let complaints = outcome.stderr();
    let complaints = complaints.lines().filter(|line| line.contains(":CONSOLE"));
    let shown = serde_json::from_str(told).expect("JSON");
    (shown, complaints.map(str::to_owned).collect())
}

/// A picture of a page, so many pixels high, as PNG.
pub fn picture(page: &str, height: u32) -> Vec<u8> {
    let scratch = Scratch::new();
    let (file, picture) = (scratch.path("page.html"), scratch.path("page.png"));
    fs::write(&file, page).expect("written");
    let mut into = OsString::from("--screenshot=");
    into.push(&picture);
    let size = format!("--window-size={WIDTH},{height}");
    browse(
        &scratch,
        &file,
        [into, size.into(), "--hide-scrollbars".into()],
    )
    .succeeded();
    fs::read(picture).expect("a picture")
}

fn browse<const N: usize>(scratch: &Scratch, file: &Path, args: [OsString; N]) -> Outcome {
    let mut profile = OsString::from("--user-data-dir=");
    profile.push(scratch.path("profile"));
    let mut address = OsString::from("file://");
    address.push(file);
    // Root has no sandbox to put it into; what it shows is ours. Its helpers may outlive it for a moment.
    Run::native("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND",
        ])
        .args(["--allow-file-access-from-files", "--enable-logging=stderr"])
        .args([profile])
        .args(args)
        .args([address])
        .leaky()
        .finish()
}
