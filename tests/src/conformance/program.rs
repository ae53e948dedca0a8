//! A conformance program: where it is, and what its first comment says about it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::successors::on_this_isa;
use super::way::Way;
use crate::examples;
use crate::guest::Guest;
use crate::scratch::names_in;

/// The languages programs are written in, by the ends of their names.
pub const LANGUAGES: [&str; 3] = ["c", "cc", "rs"];

/// The area that the examples make.
pub const EXAMPLES: &str = "examples";

/// How long a program may take that does not say how long: it takes well under a second, but the
/// machine may be busy.
const LIMIT: Duration = Duration::from_secs(60);

/// A program, not yet built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The directory it is in.
    pub area: String,
    /// Its name, without its language.
    pub name: String,
    /// Its source.
    pub source: PathBuf,
    /// Its arguments.
    pub args: &'static [&'static str],
    /// What it says about itself.
    pub claims: Claims,
}

/// What a program's first comment claims.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// System calls that its body must make from a board.
    pub calls: Vec<String>,
    /// Causes of recalls it is allowed beyond the ordinary ones.
    pub recalls: Vec<String>,
    /// Its body runs in the main thread, and why.
    pub home: Option<String>,
    /// Its body does something after which the program stays at home, and why.
    pub withdraws: Option<String>,
    /// Its threads move seldom, and why.
    pub seldom: Option<String>,
    /// How long a run may take, if that is longer than for others.
    pub takes: Option<Duration>,
}

impl Program {
    /// All programs below a directory of areas, sorted; or which one does not say what it must.
    pub fn all(root: &Path) -> Result<Vec<Program>, String> {
        let areas = names_in(root).into_iter();
        areas
            .filter(|area| root.join(area).is_dir())
            .map(|area| Self::of(root, &area))
            .collect::<Result<Vec<_>, _>>()
            .map(|areas| areas.concat())
    }

    /// Those of one area.
    pub fn of(root: &Path, area: &str) -> Result<Vec<Program>, String> {
        Self::in_area(root, area).into_iter().collect()
    }

    /// The examples, which make no claims.
    pub fn examples() -> Vec<Program> {
        let program = |example: &examples::Example| Program {
            area: EXAMPLES.to_owned(),
            name: example.name.to_owned(),
            source: PathBuf::new(),
            args: example.short,
            claims: Claims::default(),
        };
        examples::ALL.iter().map(program).collect()
    }

    fn in_area(root: &Path, area: &str) -> Vec<Result<Program, String>> {
        let directory = root.join(area);
        let read = |file: String| {
            let (name, language) = file.rsplit_once('.')?;
            if !LANGUAGES.contains(&language) {
                return None;
            }
            let source = directory.join(&file);
            let text = std::fs::read_to_string(&source).map_err(|e| e.to_string());
            let claims = text.and_then(|text| Claims::read(&text));
            Some(match claims {
                Ok(claims) => Ok(Program {
                    area: area.to_owned(),
                    name: name.to_owned(),
                    source,
                    args: &[],
                    claims,
                }),
                Err(what) => Err(format!("{}: {what}", source.display())),
            })
        };
        names_in(&directory).into_iter().filter_map(read).collect()
    }

    /// `AREA/NAME`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.area, self.name)
    }

    /// Whether somebody who says this means the program: its area, its name, or both.
    pub fn is_meant(&self, words: &str) -> bool {
        [&self.area, &self.name, &self.path()].contains(&&words.to_owned())
    }

    /// Builds it.
    pub fn build(&self, way: &Way) -> Guest {
        match (self.area == EXAMPLES, way.rtx_cc) {
            (true, false) => Guest::example(&self.name),
            (true, true) => Guest::rtx_example(&self.name),
            (false, false) => Guest::conformance(&self.area, &self.name, &self.source),
            (false, true) => Guest::rtx_conformance(&self.area, &self.name, &self.source),
        }
    }

    /// Whether rtx-cc compiles its language.
    pub fn is_for_rtx_cc(&self) -> bool {
        self.area == EXAMPLES || self.source.extension().is_some_and(|end| end == "c")
    }
}

impl Claims {
    /// Reads the first comment of a source in any of the languages. One whose body runs at home need
    /// not name calls.
    pub fn read(source: &str) -> Result<Claims, String> {
        let mut claims = Claims::default();
        let mut seen = false;
        for line in first_comment(source) {
            if let Some(names) = line.strip_prefix("calls:") {
                claims.calls = words(names);
                seen = true;
            } else if let Some(causes) = line.strip_prefix("recalls:") {
                claims.recalls.extend(words(causes));
            } else if let Some(reason) = line.strip_prefix("home:") {
                claims.home = Some(reason.trim().to_owned());
            } else if let Some(reason) = line.strip_prefix("withdraws:") {
                claims.withdraws = Some(reason.trim().to_owned());
                claims.recalls.push("withdrawn".to_owned());
            } else if let Some(seconds) = line.strip_prefix("takes:") {
                let number = seconds.trim().parse();
                let number =
                    number.map_err(|_| format!("`takes:` needs seconds, not `{seconds}`"))?;
                claims.takes = Some(Duration::from_secs(number));
            }
        }
        if !seen && claims.home.is_none() {
            return Err("its first comment has no line `calls: NAME ...` (or `none`)".to_owned());
        }
        claims.calls.retain(|name| name != "none");
        for name in &mut claims.calls {
            *name = on_this_isa(name).to_owned();
        }
        Ok(claims)
    }

    /// How long a run may take before it counts as hanging.
    pub fn limit(&self) -> Duration {
        self.takes.unwrap_or(LIMIT)
    }
}

fn words(text: &str) -> Vec<String> {
    let separators = |c: char| c.is_whitespace() || c == ',';
    let words = text.split(separators).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// The lines of the comment with which a source begins, without its marks.
fn first_comment(source: &str) -> Vec<&str> {
    let source = source.trim_start();
    if let Some(block) = source.strip_prefix("/*") {
        let end = block.find("*/").unwrap_or(block.len());
        return block[..end]
            .lines()
            .map(|line| line.trim().trim_start_matches('*').trim())
            .collect();
    }
    let comment = source.lines().map(str::trim);
    comment
        .take_while(|line| line.starts_with("//"))
        .map(|line| line.trim_start_matches(['/', '!']).trim())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_comments_are_read() {
        let block = "/* It tests.\n * calls: mmap, munmap\n * recalls: fault */\nint calls;\n";
        let lines = "//! It tests.\n// calls: mmap munmap\n// recalls: fault\nfn main() {}\n";
        for source in [block, lines] {
            let claims = Claims::read(source).expect("claims");
            assert_eq!(claims.calls, ["mmap", "munmap"]);
            assert_eq!(claims.recalls, ["fault"]);
            assert_eq!(claims.home, None);
        }
    }

    #[test]
    fn none_means_no_calls_and_silence_is_an_error() {
        let claims = Claims::read("/* x\n * calls: none\n * home: exec\n */").expect("claims");
        assert_eq!(
            (claims.calls.len(), claims.home.as_deref()),
            (0, Some("exec"))
        );
        let claims = Claims::read("/* x\n * withdraws: why\n * calls: futex */").expect("claims");
        assert_eq!(claims.recalls, ["withdrawn"]);
        let claims = Claims::read("/* x\n * takes: 300\n * calls: none */").expect("claims");
        assert_eq!(claims.limit(), Duration::from_secs(300));
        assert!(Claims::read("/* x\n * takes: long\n * calls: none */").is_err());
        assert!(Claims::read("/* x */\n/* calls: futex */").is_err());
        assert!(Claims::read("int main;\n// calls: futex").is_err());
    }

    #[test]
    fn a_program_is_meant_by_area_name_or_both() {
        let program = Program {
            area: "files".into(),
            name: "pipe".into(),
            source: PathBuf::new(),
            args: &[],
            claims: Claims::default(),
        };
        for words in ["files", "pipe", "files/pipe"] {
            assert!(program.is_meant(words));
        }
        assert!(!program.is_meant("pip"));
    }
}
