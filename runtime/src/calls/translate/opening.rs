//! openat2(2), whose flags stand in struct open_how (uapi/linux/openat2.h): flags, mode, resolve, of 8 bytes
//! each, and whatever later kernels add.

use super::isa::Ends;
use super::open_flags;
use super::script::{Call, Plan, Prepared, Script, Span, Stop, word};
use crate::coherence::PAGE_SIZE;

/// Its first size.
const LEAST: u64 = 24;

/// The plan for openat2(2). The kernel refuses sizes that are too small or large before it looks.
pub(super) fn open(ends: Ends, args: &[u64; 6]) -> Plan {
    let call = Call {
        name: "openat2",
        args: *args,
    };
    if !(LEAST..=PAGE_SIZE as u64).contains(&args[3]) {
        return Plan::Plain(call);
    }
    Plan::Scripted(Box::new(Open { ends, call }))
}

#[derive(Debug)]
struct Open {
    ends: Ends,
    call: Call,
}

impl Script for Open {
    fn reads(&self) -> Option<Span> {
        Some(Span {
            address: self.call.args[2],
            len: self.call.args[3] as usize,
        })
    }

    fn call(&mut self, data: &[u8], area: u64) -> Result<Prepared, Stop> {
        let mut call = self.call;
        call.args[2] = area;
        let mut area = data.to_vec();
        let flags = open_flags::to_home(self.ends, word(data, 0));
        area[..8].copy_from_slice(&flags.to_le_bytes());
        Ok(Prepared { call, area })
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::bytes;
    use super::*;

    #[test]
    fn only_the_flags_change() {
        let ends = Ends::FOREIGN[0];
        let args = [1, 2, 0x1000, 32, 0, 0];
        let Plan::Scripted(mut script) = open(ends, &args) else {
            panic!("scripted")
        };
        let how = bytes([1 << 40 | 0o200_000, 0o640, 8, 9]);
        let made = script.call(&how, 0x9000).expect("a call");
        assert_eq!(made.call.args, [1, 2, 0x9000, 32, 0, 0]);
        assert_eq!(made.area, bytes([1 << 40 | 0o40_000, 0o640, 8, 9]));
        for size in [0, 23, 4097, u64::MAX] {
            let plan = open(ends, &[1, 2, 3, size, 0, 0]);
            assert!(matches!(plan, Plan::Plain(_)), "{size}");
        }
    }
}
