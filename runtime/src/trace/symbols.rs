//! What an address is called: functions, files and lines by the program's debug information, or by its
//! symbols where there is none.

use std::borrow::Cow;

use rtx_origin::RESUME_SUFFIX;

use super::backtrace::Frame;
use super::program::{Data, Program, section};

/// Functions inlined into each other that are shown at one address.
const MAX_INLINED: usize = 32;

/// The debug information of a file.
pub(super) struct Lines<'d>(addr2line::Context<Data<'d>>);

impl<'d> Lines<'d> {
    /// `None`: the file has none, or none that makes sense.
    pub fn read(file: &object::File<'d>) -> Option<Self> {
        let load = |id: gimli::SectionId| Ok::<_, gimli::Error>(section(file, id.name()).1);
        let dwarf = gimli::Dwarf::load(load).ok()?;
        addr2line::Context::from_dwarf(dwarf).ok().map(Self)
    }
}

/// The functions at `lookup`, the innermost first: the inlined ones, then the one they are in. All are
/// shown with `address`. At least one.
pub(super) fn frames(
    program: &Program<'_>,
    address: u64,
    lookup: u64,
    guessed: bool,
) -> Vec<Frame> {
    let plain = Frame {
        address,
        function: program.function_name(lookup).map(demangled),
        guessed,
        ..Frame::default()
    };
    let lines = program.lines();
    let mut frames = lines.map_or(Vec::new(), |lines| {
        described(lines, program.in_file(lookup), &plain)
    });
    if frames.is_empty() {
        frames.push(plain);
    }
    frames
}

fn described(lines: &Lines<'_>, at: u64, plain: &Frame) -> Vec<Frame> {
    let mut frames = Vec::new();
    let Ok(mut found) = lines.0.find_frames(at).skip_all_loads() else {
        return frames;
    };
    while frames.len() < MAX_INLINED
        && let Ok(Some(next)) = found.next()
    {
        let function = next.function.as_ref();
        let function = function.and_then(|f| f.demangle().ok().map(|name| as_written(&name)));
        let location = next.location.as_ref();
        frames.push(Frame {
            file: location.and_then(|l| l.file.map(ToOwned::to_owned)),
            line: location.and_then(|l| l.line),
            function,
            inlined: true,
            ..plain.clone()
        });
    }
    if let Some(outermost) = frames.last_mut() {
        outermost.inlined = false;
        outermost.function = outermost.function.take().or(plain.function.clone());
    }
    frames
}

/// C++ and Rust names as people write them; others stay.
pub fn demangled(name: &str) -> String {
    as_written(&addr2line::demangle_auto(Cow::Borrowed(name), None))
}

/// A function's clone by rtx-cc has the name of the function, which is the same source.
fn as_written(name: &str) -> String {
    name.strip_suffix(RESUME_SUFFIX).unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_people_write_them() {
        for (name, shown) in [
            ("main", "main"),
            ("_ZN3abc3defEv", "abc::def()"),
            ("_ZN3abc6sharedE", "abc::shared"),
            ("computes.rtx.resume", "computes"),
            ("computes.part.0", "computes.part.0"),
        ] {
            assert_eq!(demangled(name), shown);
        }
    }
}
