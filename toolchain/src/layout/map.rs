//! lld's map file: which input sections a program consists of.

/// An input section that went into a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its size in bytes.
    pub size: u64,
    /// Its alignment in bytes.
    pub alignment: u64,
    /// The file: an object, or `archive(member)` without directories.
    pub file: String,
    /// The section.
    pub section: String,
}

/// Reads a map: lines of `VMA LMA SIZE ALIGN FILE:(SECTION)`; all others say nothing about pieces.
pub fn read(text: &str) -> Vec<Piece> {
    text.lines().filter_map(piece).collect()
}

fn piece(line: &str) -> Option<Piece> {
    let mut rest = line.trim_start();
    let mut word = || {
        let (word, tail) = rest.split_once(' ')?;
        rest = tail.trim_start();
        Some(word)
    };
    let (address, load, size, alignment) = (word()?, word()?, word()?, word()?);
    u64::from_str_radix(address, 16).ok()?;
    u64::from_str_radix(load, 16).ok()?;
    let size = u64::from_str_radix(size, 16).ok()?;
    let alignment = alignment.parse().ok()?;
    let (file, section) = rest.trim_end().strip_suffix(')')?.rsplit_once(":(")?;
    if file == "<internal>" {
        return None;
    }
    let name = match file.split_once('(') {
        Some((archive, member)) => format!("{}({member}", base(archive)),
        None => base(file).to_owned(),
    };
    Some(Piece {
        size,
        alignment,
        file: name,
        section: section.to_owned(),
    })
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "\
             VMA              LMA     Size Align Out     In      Symbol
          400200           400200     1000    16 .text
          400200           400200       20    16         /tmp/x/u.o:(.text.main)
          400200           400200       20     1                 main
          400220           400220       1a     4         lib/libc.a(puts.lo):(.text.puts)
          400240           400240       10     1         <internal>:(.comment)
          400250           400250        0     1         . = 0x400250
";

    #[test]
    fn sections_are_found_with_their_files() {
        let pieces = read(MAP);
        assert_eq!(pieces.len(), 2);
        assert_eq!(
            pieces[0],
            Piece {
                size: 0x20,
                alignment: 16,
                file: "u.o".into(),
                section: ".text.main".into()
            }
        );
        assert_eq!(
            (pieces[1].file.as_str(), pieces[1].section.as_str()),
            ("libc.a(puts.lo)", ".text.puts")
        );
    }
}
