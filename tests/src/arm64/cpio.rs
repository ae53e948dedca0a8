//! Archives as the kernel unpacks them at boot: cpio, the new ASCII format (Documentation/driver-api/
//! early-userspace/buffer-format.rst).

use std::collections::BTreeSet;

const DIRECTORY: u32 = 0o040_755;
const FILE: u32 = 0o100_000;

/// An archive that grows.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
    entries: u32,
    directories: BTreeSet<String>,
}

impl Archive {
    /// Adds a directory and those above it.
    pub fn directory(&mut self, path: &str) {
        if path.is_empty() || !self.directories.insert(path.to_owned()) {
            return;
        }
        self.directory(above(path));
        self.entry(path, DIRECTORY, &[]);
    }

    /// Adds a file with these permissions, and the directories above it.
    pub fn file(&mut self, path: &str, permissions: u32, content: &[u8]) {
        self.directory(above(path));
        self.entry(path, FILE | permissions, content);
    }

    /// The whole archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.entries += 1;
        let size = u32::try_from(content.len()).expect("a file of less than 4 GiB");
        let name = path.len() as u32 + 1;
        // Number, mode, user, group, links, time, size, device and special device (two each), length
        // of the name, checksum.
        let fields = [self.entries, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name, 0];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes
                .extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

fn above(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(above, _)| above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_aligned_and_directories_come_first_and_once() {
        let mut archive = Archive::default();
        archive.file("a/b/c", 0o755, b"12345");
        archive.file("a/b/d", 0o644, b"");
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 4, 0);
        let mut names = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let field = |i: usize| {
                let text = &bytes[at + 6 + 8 * i..at + 14 + 8 * i];
                usize::from_str_radix(std::str::from_utf8(text).unwrap(), 16).unwrap()
            };
            assert_eq!(&bytes[at..at + 6], b"070701");
            let (size, name) = (field(6), field(11));
            let text = &bytes[at + 110..at + 110 + name - 1];
            names.push(String::from_utf8(text.to_vec()).unwrap());
            at += (110 + name).next_multiple_of(4) + size.next_multiple_of(4);
        }
        assert_eq!(names, ["a", "a/b", "a/b/c", "a/b/d", "TRAILER!!!"]);
    }
}
