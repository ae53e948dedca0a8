//! getdents(2), which only x86-64 has, by getdents64(2): an entry has the same length in both, and its kind
//! stands in its last byte instead of before its name.
//!
//! Reading takes entries away: their place is made writable before. Where that fails, home's kernel is given
//! a place where it fails by itself.

use super::script::{Call, Finished, Plan, Prepared, Script, Span, Stop};

/// struct linux_dirent64: where an entry's length stands, its kind, its name.
const LENGTH: usize = 16;
const KIND: usize = 18;
const NAME: usize = 19;

/// The plan for getdents(2).
pub(super) fn entries(args: &[u64; 6]) -> Plan {
    Plan::Scripted(Box::new(Entries {
        args: *args,
        len: args[2] as u32 as usize,
        has_place: true,
    }))
}

#[derive(Debug)]
struct Entries {
    args: [u64; 6],
    len: usize,
    has_place: bool,
}

impl Script for Entries {
    fn has_room(&mut self, bytes: usize) {
        self.len = self.len.min(bytes);
    }

    fn takes(&self) -> Option<Span> {
        (self.has_place && self.len > 0).then_some(Span {
            address: self.args[1],
            len: self.len,
        })
    }

    fn cannot_take(&mut self) {
        self.has_place = false;
    }

    fn call(&mut self, _data: &[u8], area: u64) -> Result<Prepared, Stop> {
        let name = "getdents64";
        let mut args = self.args;
        args[1] = if self.has_place { area } else { 0 };
        args[2] = self.len as u64;
        let area = Vec::new();
        let call = Call { name, args };
        Ok(Prepared { call, area })
    }

    fn leaves(&self, result: i64) -> usize {
        usize::try_from(result).unwrap_or(0)
    }

    fn finish(&self, result: i64, data: &[u8]) -> Finished {
        Finished::writing(result, self.args[1], convert(data))
    }
}

/// Entries of getdents64 as those of getdents.
fn convert(mut data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while data.len() > NAME {
        let length = u16::from_le_bytes([data[LENGTH], data[LENGTH + 1]]);
        let (entry, rest) = data.split_at(usize::from(length).clamp(NAME, data.len()));
        let kind = entry[KIND];
        out.extend(&entry[..KIND]);
        let name = &entry[NAME..];
        let end = name
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(name.len());
        out.extend(&name[..end]);
        // Zeros up to the last byte, which is as far away as it was.
        out.resize(out.len() + name.len() - end, 0);
        out.push(kind);
        data = rest;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_goes_behind_the_name() {
        let mut entry = vec![0; 24];
        entry[0] = 7;
        entry[8] = 9;
        entry[LENGTH] = 24;
        entry[KIND] = libc::DT_DIR;
        entry[NAME..NAME + 2].copy_from_slice(b"ab");
        let old = convert(&[&entry[..], &entry].concat());
        assert_eq!(old.len(), 48);
        assert_eq!((old[0], old[8], old[16]), (7, 9, 24));
        assert_eq!(&old[18..21], b"ab\0");
        assert_eq!((old[23], old[24 + 23]), (libc::DT_DIR, libc::DT_DIR));
    }
}
