//! The command line of a C compiler, taken apart.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Goal {
    /// A program.
    #[default]
    Link,
    /// Objects (-c).
    Compile,
    /// What clang does alone: -S, -E, -M, -fsyntax-only.
    Passthrough,
}

/// Something that is compiled or linked, in the order of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// C (.c, .i or by -x), to be compiled.
    Source(PathBuf),
    /// Assembly (.s, .S): for x86-64 only.
    Assembly(PathBuf),
    /// An object or archive.
    File(PathBuf),
    /// -lNAME
    Library(String),
}

/// A command line.
#[derive(Debug, Clone, Default)]
pub struct Arguments {
    /// How far to go.
    pub goal: Goal,
    /// -o
    pub output: Option<PathBuf>,
    /// What to work on.
    pub inputs: Vec<Input>,
    /// What the front end gets: -I, -D, -W, -std and the like.
    pub front: Vec<OsString>,
    /// -O, the last.
    pub level: String,
    /// What only the x86-64 compilation gets: -march and the like.
    pub processor: Vec<OsString>,
    /// -L
    pub directories: Vec<PathBuf>,
    /// -x, for all inputs.
    pub language: Option<OsString>,
    /// -g was given.
    pub debug: bool,
    /// -s was given.
    pub strip: bool,
    /// -frtx-selftest was given.
    pub selftest: bool,
    /// What was asked for and cannot be.
    pub refused: Option<&'static str>,
    /// -frtx-keep=DIR: where intermediate files stay.
    pub keep: Option<PathBuf>,
    /// -Wno-rtx-NAME, or -w with the empty name.
    pub silenced: Vec<String>,
    /// -Werror.
    pub errors: bool,
}

/// Options whose value is the next argument.
const WITH_VALUE: [&str; 13] = [
    "-I",
    "-D",
    "-U",
    "-include",
    "-imacros",
    "-isystem",
    "-idirafter",
    "-iquote",
    "-iprefix",
    "-iwithprefix",
    "-MF",
    "-MT",
    "-MQ",
];
/// What is said of options that change what is linked.
const OWN_LINK: &str =
    "links with linker options that change the program (-T, -e, -u, --wrap and the like)";
/// Options of the linker that change nothing about what the program does.
const HARMLESS: [&str; 24] = [
    "-soname",
    "-h",
    "-z",
    "--gc-sections",
    "--no-gc-sections",
    "--as-needed",
    "--no-as-needed",
    "--build-id",
    "--hash-style",
    "-rpath",
    "--rpath",
    "-rpath-link",
    "--enable-new-dtags",
    "--disable-new-dtags",
    "--start-group",
    "--end-group",
    "-Bstatic",
    "-Bdynamic",
    "--no-undefined",
    "--warn-common",
    "--fatal-warnings",
    "--sort-common",
    "--relax",
    "--no-copy-dt-needed-entries",
];
/// Options of the linker alone.
const LINKER_ONLY: [&str; 7] = [
    "-static",
    "-rdynamic",
    "-pie",
    "-no-pie",
    "-nopie",
    "-static-pie",
    "-pipe",
];

impl Arguments {
    /// Takes a command line apart.
    ///
    /// # Errors
    /// The option whose value is missing.
    pub fn parse(list: &[OsString]) -> Result<Arguments, String> {
        let mut result = Arguments {
            level: "-O0".to_owned(),
            ..Arguments::default()
        };
        let mut rest = list.iter();
        while let Some(argument) = rest.next() {
            let text = argument.to_string_lossy();
            let mut value = |name: &str| {
                rest.next()
                    .cloned()
                    .ok_or_else(|| format!("{name} needs a value"))
            };
            if let Some(name) = WITH_VALUE.iter().find(|name| text == **name) {
                let value = value(name)?;
                result.front.extend([argument.clone(), value]);
                continue;
            }
            match text.as_ref() {
                "-o" => result.output = Some(value("-o")?.into()),
                "-x" => result.language = Some(value("-x")?).filter(|l| l != "none"),
                "-L" => result.directories.push(value("-L")?.into()),
                "-l" => result
                    .inputs
                    .push(Input::Library(value("-l")?.to_string_lossy().into_owned())),
                "-z" => drop(value("-z")?),
                "-Xlinker" => {
                    let option = value("-Xlinker")?.to_string_lossy().into_owned();
                    result.linker_option(&option);
                }
                "-T" | "-u" | "-e" => {
                    value(&text)?;
                    result.refused = Some(OWN_LINK);
                }
                "-arch" | "-target" => {
                    return Err(format!("{text} cannot be chosen: rtx-cc builds for both"));
                }
                _ => result.plain(argument, &text),
            }
        }
        Ok(result)
    }

    fn plain(&mut self, argument: &OsString, text: &str) {
        match text {
            "-c" => self.goal = Goal::Compile,
            "-S" | "-E" | "-M" | "-MM" | "-fsyntax-only" => {
                self.goal = Goal::Passthrough;
                self.front.push(argument.clone());
            }
            "-shared" => self.refused = Some("shared libraries: programs are linked statically"),
            "-r" => self.refused = Some("partial linking (-r): give the objects to the last link"),
            "-nostdlib" | "-nostartfiles" | "-nodefaultlibs" => {
                self.refused = Some("programs without its C library");
            }
            "-g0" => self.debug = false,
            "-s" => self.strip = true,
            "-w" => {
                self.silenced.push(String::new());
                self.front.push(argument.clone());
            }
            "-frtx-selftest" => self.selftest = true,
            "-" => self.inputs.push(Input::Source("-".into())),
            _ if LINKER_ONLY.contains(&text) => {}
            _ => self.patterned(argument, text),
        }
    }

    fn patterned(&mut self, argument: &OsString, text: &str) {
        if !text.starts_with('-') {
            self.inputs
                .push(classify(Path::new(argument), self.language.as_deref()));
        } else if let Some(directory) = text.strip_prefix("-L") {
            self.directories.push(directory.into());
        } else if let Some(library) = text.strip_prefix("-l") {
            self.inputs.push(Input::Library(library.to_owned()));
        } else if let Some(output) = text.strip_prefix("-o") {
            self.output = Some(output.into());
        } else if let Some(name) = text.strip_prefix("-Wno-rtx-") {
            self.silenced.push(name.to_owned());
        } else if let Some(directory) = text.strip_prefix("-frtx-keep=") {
            self.keep = Some(directory.into());
        } else if text.starts_with("-O") {
            self.level = if text == "-O" {
                "-O1".to_owned()
            } else {
                text.to_owned()
            };
        } else if text.starts_with("-g") {
            self.debug = true;
            self.front.push(argument.clone());
        } else if text.starts_with("-m") {
            self.processor.push(argument.clone());
        } else if let Some(options) = text.strip_prefix("-Wl,") {
            options
                .split(',')
                .for_each(|option| self.linker_option(option));
        } else if text.starts_with("-flto") || text.starts_with("-fuse-ld") {
            // The whole program is compiled as one already; the link is rtx-cc's own.
        } else if is_position(text) || text.starts_with("-fsanitize") {
            if text.starts_with("-fsanitize") {
                self.refused = Some("sanitizers: their runtime cannot move");
            }
        } else {
            self.errors |= text == "-Werror";
            self.front.push(argument.clone());
        }
    }

    /// Takes an option of the linker: what only tunes the output is left out, all else refused, since the
    /// link is rtx-cc's own.
    fn linker_option(&mut self, option: &str) {
        let harmless = HARMLESS
            .iter()
            .any(|name| option == *name || option.starts_with(&format!("{name}=")));
        // Values of such options: paths, numbers, keywords of -z.
        let value = !option.starts_with('-');
        match option {
            "-s" | "--strip-all" | "-S" | "--strip-debug" => self.strip = true,
            _ if harmless || value || option.starts_with("-O") => {}
            _ => self.refused = Some(OWN_LINK),
        }
    }

    /// Whether a warning is silenced.
    pub fn is_silenced(&self, name: &str) -> bool {
        self.silenced.iter().any(|s| s.is_empty() || s == name)
    }
}

/// Programs stand at fixed addresses, whatever is asked for.
fn is_position(text: &str) -> bool {
    matches!(
        text,
        "-fPIC" | "-fpic" | "-fPIE" | "-fpie" | "-fno-pic" | "-fno-PIC" | "-fno-pie" | "-fno-PIE"
    )
}

fn classify(path: &Path, language: Option<&OsStr>) -> Input {
    if let Some(language) = language {
        return if language.as_bytes().starts_with(b"assembler") {
            Input::Assembly(path.into())
        } else {
            Input::Source(path.into())
        };
    }
    match path.extension().and_then(OsStr::to_str) {
        Some("c" | "i") => Input::Source(path.into()),
        Some("s" | "S") => Input::Assembly(path.into()),
        _ => Input::File(path.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Arguments {
        Arguments::parse(
            &line
                .split_whitespace()
                .map(OsString::from)
                .collect::<Vec<_>>(),
        )
        .unwrap()
    }

    #[test]
    fn a_compilation_keeps_what_the_front_end_needs() {
        let a = parse("-c -O2 -g -Wall -I inc -Iother -DX=1 -D Y -MD -MF x.d -o x.o x.c");
        assert_eq!(a.goal, Goal::Compile);
        assert_eq!(a.level, "-O2");
        assert!(a.debug);
        assert_eq!(a.output.as_deref(), Some(Path::new("x.o")));
        assert_eq!(a.inputs, [Input::Source("x.c".into())]);
        let front: Vec<_> = a.front.iter().map(|f| f.to_str().unwrap()).collect();
        assert_eq!(
            front,
            [
                "-g", "-Wall", "-I", "inc", "-Iother", "-DX=1", "-D", "Y", "-MD", "-MF", "x.d"
            ]
        );
    }

    #[test]
    fn libraries_keep_their_place_among_the_inputs() {
        let a = parse("a.o -L lib -lfoo b.c -static -lm -pthread");
        assert_eq!(
            a.inputs,
            [
                Input::File("a.o".into()),
                Input::Library("foo".into()),
                Input::Source("b.c".into()),
                Input::Library("m".into())
            ]
        );
        assert_eq!(a.directories, [PathBuf::from("lib")]);
        assert_eq!(a.front, ["-pthread"]);
    }

    #[test]
    fn what_is_for_one_processor_stays_with_it() {
        let a = parse("-march=native -mavx2 -O3 x.c");
        assert_eq!(a.processor, ["-march=native", "-mavx2"]);
        assert!(a.front.is_empty());
    }

    #[test]
    fn what_would_change_the_link_is_refused() {
        assert!(
            parse("-Wl,-z,now,-O1,--as-needed,-rpath,/lib x.c")
                .refused
                .is_none()
        );
        assert!(parse("-Wl,--wrap=malloc x.c").refused.is_some());
        assert!(parse("-Xlinker --defsym=a=1 x.c").refused.is_some());
        assert!(parse("-nostdlib x.c").refused.is_some());
        assert!(parse("-Wl,-s x.c").strip);
    }

    #[test]
    fn a_missing_value_is_named() {
        let e = Arguments::parse(&["x.c".into(), "-o".into()]).unwrap_err();
        assert_eq!(e, "-o needs a value");
    }

    #[test]
    fn an_optimisation_without_a_number_is_the_first() {
        assert_eq!(parse("-O x.c").level, "-O1");
        assert_eq!(parse("-O3 -O0 x.c").level, "-O0");
    }
}
