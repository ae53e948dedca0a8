//! The text form of one mapping, a line of /proc/PID/maps (proc_pid_maps(5)), both ways.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::str::{FromStr, from_utf8};

use super::maps::{Kind, Prot, Vma};

/// Which field of a line cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no valid {field} in {line:?}")]
pub struct ParseError {
    pub field: &'static str,
    pub line: String,
}

impl Vma {
    /// Reads a line, without its newline.
    pub fn parse(line: &[u8]) -> Result<Self, ParseError> {
        let bad = |field| ParseError {
            field,
            line: String::from_utf8_lossy(line).into_owned(),
        };
        let mut rest = line;
        let (start, end) = range(field(&mut rest)).ok_or(bad("address range"))?;
        let (prot, shared) = permissions(field(&mut rest)).ok_or(bad("permissions"))?;
        let offset = hex(field(&mut rest)).ok_or(bad("offset"))?;
        let dev = device(field(&mut rest)).ok_or(bad("device"))?;
        let inode = decimal(field(&mut rest)).ok_or(bad("inode"))?;
        let kind = Kind::from_name(&unescape(rest.trim_ascii_start()));
        Ok(Self {
            start,
            end,
            prot,
            shared,
            offset,
            dev,
            inode,
            kind,
        })
    }
}

impl FromStr for Vma {
    type Err = ParseError;

    fn from_str(line: &str) -> Result<Self, ParseError> {
        Self::parse(line.as_bytes())
    }
}

impl fmt::Display for Vma {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flag = |on, letter| if on { letter } else { '-' };
        let Prot { r, w, x } = self.prot;
        write!(
            f,
            "{:08x}-{:08x} {}{}{}{} {:08x} {:02x}:{:02x} {}",
            self.start,
            self.end,
            flag(r, 'r'),
            flag(w, 'w'),
            flag(x, 'x'),
            if self.shared { 's' } else { 'p' },
            self.offset,
            self.dev.0,
            self.dev.1,
            self.inode,
        )?;
        match self.kind.name().as_str() {
            "" => Ok(()),
            name => write!(f, " {}", name.replace('\n', "\\012")),
        }
    }
}

impl Kind {
    /// From the kernel's name of a mapping, not escaped; empty for none.
    pub(super) fn from_name(name: &[u8]) -> Self {
        let text = || String::from_utf8_lossy(name).into_owned();
        match name {
            b"" => Kind::Anon,
            b"[heap]" => Kind::Heap,
            b"[stack]" => Kind::Stack,
            b"[vdso]" => Kind::Vdso,
            b"[vvar]" => Kind::Vvar,
            b"[vsyscall]" => Kind::Vsyscall,
            _ if name.starts_with(b"[vvar_") && name.ends_with(b"]") => Kind::Vvar,
            [b'[', b'a', b'n', b'o', b'n', b':', inner @ .., b']'] => {
                Kind::NamedAnon(String::from_utf8_lossy(inner).into_owned())
            }
            _ if name.starts_with(b"[anon_shmem:") => Kind::SharedAnon(path(name)),
            [b'[', .., b']'] => Kind::Special(text()),
            b"/dev/zero (deleted)" => Kind::SharedAnon(path(name)),
            _ if name.starts_with(b"/SYSV") && name.ends_with(b" (deleted)") => {
                Kind::SharedAnon(path(name))
            }
            _ => Kind::File(path(name)),
        }
    }

    /// The kernel's name for it; [vvar_vclock] and its like come back as [vvar].
    fn name(&self) -> String {
        let lossy = |path: &Path| String::from_utf8_lossy(path.as_os_str().as_bytes()).into_owned();
        match self {
            Kind::Anon => String::new(),
            Kind::NamedAnon(name) => format!("[anon:{name}]"),
            Kind::Heap => "[heap]".into(),
            Kind::Stack => "[stack]".into(),
            Kind::Vdso => "[vdso]".into(),
            Kind::Vvar => "[vvar]".into(),
            Kind::Vsyscall => "[vsyscall]".into(),
            Kind::SharedAnon(path) | Kind::File(path) => lossy(path),
            Kind::Special(name) => name.clone(),
        }
    }
}

fn path(name: &[u8]) -> PathBuf {
    OsString::from_vec(name.to_vec()).into()
}

/// Takes the next field off the line: fields are separated by single spaces, the name by many.
fn field<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = rest
        .iter()
        .position(|&byte| byte == b' ')
        .unwrap_or(rest.len());
    let (field, tail) = rest.split_at(end);
    *rest = tail.strip_prefix(b" ").unwrap_or(tail);
    field
}

fn range(field: &[u8]) -> Option<(u64, u64)> {
    let dash = field.iter().position(|&byte| byte == b'-')?;
    let (start, end) = (hex(&field[..dash])?, hex(&field[dash + 1..])?);
    (start <= end).then_some((start, end))
}

fn permissions(field: &[u8]) -> Option<(Prot, bool)> {
    let &[r, w, x, s] = field else { return None };
    let flag = |byte, letter| match byte {
        b'-' => Some(false),
        _ => (byte == letter).then_some(true),
    };
    let prot = Prot {
        r: flag(r, b'r')?,
        w: flag(w, b'w')?,
        x: flag(x, b'x')?,
    };
    match s {
        b's' => Some((prot, true)),
        b'p' => Some((prot, false)),
        _ => None,
    }
}

fn device(field: &[u8]) -> Option<(u32, u32)> {
    let colon = field.iter().position(|&byte| byte == b':')?;
    let number = |digits| u32::try_from(hex(digits)?).ok();
    Some((number(&field[..colon])?, number(&field[colon + 1..])?))
}

fn hex(field: &[u8]) -> Option<u64> {
    let digits = field.iter().all(u8::is_ascii_hexdigit);
    digits.then(|| u64::from_str_radix(from_utf8(field).ok()?, 16).ok())?
}

fn decimal(field: &[u8]) -> Option<u64> {
    let digits = field.iter().all(u8::is_ascii_digit);
    digits.then(|| from_utf8(field).ok()?.parse().ok())?
}

/// The kernel writes a newline in a path as `\012`, and escapes nothing else.
fn unescape(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let [first, tail @ ..] = rest {
        match rest.strip_prefix(b"\\012") {
            Some(after) => (out.push(b'\n'), rest = after),
            None => (out.push(*first), rest = tail),
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kind() -> impl Strategy<Value = Kind> {
        prop_oneof![
            Just(Kind::Anon),
            Just(Kind::Heap),
            Just(Kind::Stack),
            Just(Kind::Vdso),
            Just(Kind::Vvar),
            Just(Kind::Vsyscall),
            "[a-z ]{1,9}".prop_map(Kind::NamedAnon),
            "[a-z]{1,9}".prop_map(|name| Kind::SharedAnon(format!("[anon_shmem:{name}]").into())),
            Just(Kind::SharedAnon("/dev/zero (deleted)".into())),
            Just(Kind::SharedAnon("/SYSV0000002a (deleted)".into())),
            Just(Kind::Special("[uprobes]".into())),
            "/[a-z\n .:\\-]{0,20}( \\(deleted\\))?".prop_map(|path| Kind::File(path.into())),
        ]
    }

    prop_compose! {
        fn vma()(
            a: u64, b: u64, bits in 0..8u32, shared: bool, offset: u64, dev: (u32, u32),
            inode: u64, kind in kind(),
        ) -> Vma {
            let prot = Prot::from_bits(bits);
            Vma { start: a.min(b), end: a.max(b), prot, shared, offset, dev, inode, kind }
        }
    }

    proptest! {
        #[test]
        fn text_round_trips(vma in vma()) {
            prop_assert_eq!(vma.to_string().parse::<Vma>().unwrap(), vma);
        }

        #[test]
        fn arbitrary_bytes_never_panic(line: Vec<u8>) {
            let _ = Vma::parse(&line);
        }

        #[test]
        fn damaged_lines_never_panic(vma in vma(), at: prop::sample::Index, byte: u8) {
            let mut line = vma.to_string().into_bytes();
            let at = at.index(line.len());
            line[at] = byte;
            let _ = Vma::parse(&line);
        }
    }

    #[test]
    fn a_line_as_the_kernel_pads_it() {
        let vma: Vma =
            "7f5c8a1b2000-7f5c8a1b4000 rw-p 00002000 fe:01 1837                       /lib/a b.so"
                .parse()
                .unwrap();
        assert_eq!(vma.range(), 0x7f5c8a1b2000..0x7f5c8a1b4000);
        assert_eq!(
            vma.prot,
            Prot {
                r: true,
                w: true,
                x: false
            }
        );
        assert_eq!((vma.offset, vma.dev, vma.inode), (0x2000, (0xfe, 1), 1837));
        assert_eq!(vma.kind, Kind::File("/lib/a b.so".into()));
        assert!(vma.is_private_file());
    }

    #[test]
    fn an_anonymous_line_ends_in_a_space() {
        let vma: Vma = "00010000-00011000 ---p 00000000 00:00 0 ".parse().unwrap();
        assert_eq!(vma.kind, Kind::Anon);
        assert!(vma.prot.none());
    }

    #[test]
    fn an_error_names_the_field() {
        let error = "1000-2000 rw-q 0 0:0 0".parse::<Vma>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "no valid permissions in \"1000-2000 rw-q 0 0:0 0\""
        );
    }
}
