//! fcntl(2) and dup2(2): the flags of an open file have bits that differ, also as a result; and only x86-64
//! has a call that duplicates a descriptor onto itself.

use super::isa::Ends;
use super::open_flags;
use super::script::{Call, Finished, Plan, Prepared, Script, Stop};

/// The plan for fcntl(2). All other commands, and struct flock, are those of asm-generic/fcntl.h.
pub(super) fn control(ends: Ends, args: &[u64; 6]) -> Plan {
    let mut call = Call {
        name: "fcntl",
        args: *args,
    };
    match args[1] as i32 {
        libc::F_SETFL => {
            call.args[2] = open_flags::to_home(ends, args[2]);
            Plan::Plain(call)
        }
        libc::F_GETFL => Plan::Scripted(Box::new(GetFlags { ends, call })),
        _ => Plan::Plain(call),
    }
}

#[derive(Debug)]
struct GetFlags {
    ends: Ends,
    call: Call,
}

impl Script for GetFlags {
    fn call(&mut self, _data: &[u8], _area: u64) -> Result<Prepared, Stop> {
        let (call, area) = (self.call, Vec::new());
        Ok(Prepared { call, area })
    }

    fn finish(&self, result: i64, _data: &[u8]) -> Finished {
        Finished::with(match u64::try_from(result) {
            Ok(flags) => open_flags::to_board(self.ends, flags) as i64,
            Err(_) => result,
        })
    }
}

/// The plan for dup2(2): dup3(2), which refuses equal descriptors. For those, only whether there is one is
/// asked.
pub(super) fn duplicate(args: &[u64; 6]) -> Plan {
    let [old, new, ..] = *args;
    if old as u32 == new as u32 {
        return Plan::Scripted(Box::new(OntoItself { descriptor: old }));
    }
    Plan::Plain(Call {
        name: "dup3",
        args: [old, new, 0, 0, 0, 0],
    })
}

#[derive(Debug)]
struct OntoItself {
    descriptor: u64,
}

impl Script for OntoItself {
    fn call(&mut self, _data: &[u8], _area: u64) -> Result<Prepared, Stop> {
        Ok(Prepared {
            call: Call {
                name: "fcntl",
                args: [self.descriptor, libc::F_GETFD as u64, 0, 0, 0, 0],
            },
            area: Vec::new(),
        })
    }

    fn finish(&self, result: i64, _data: &[u8]) -> Finished {
        Finished::with(if result < 0 {
            result
        } else {
            i64::from(self.descriptor as i32)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO_ARM: Ends = Ends::FOREIGN[0];

    #[test]
    fn flags_are_translated_both_ways() {
        let set = [3, libc::F_SETFL as u64, 0o40_000 | 0o4000, 0, 0, 0];
        let Plan::Plain(call) = control(TO_ARM, &set) else {
            panic!("plain")
        };
        assert_eq!(call.args[2], 0o200_000 | 0o4000);
        let Plan::Scripted(get) = control(TO_ARM, &[3, libc::F_GETFL as u64, 0, 0, 0, 0]) else {
            panic!("scripted")
        };
        assert_eq!(get.finish(0o400_002, &[]).result, 0o100_002);
        assert_eq!(get.finish(-9, &[]).result, -9);
        // F_SETLK: a pointer is no flag.
        let Plan::Plain(lock) = control(TO_ARM, &[3, 6, 0o740_000, 0, 0, 0]) else {
            panic!("plain")
        };
        assert_eq!(lock.args[2], 0o740_000);
    }

    #[test]
    fn equal_descriptors_are_not_duplicated() {
        let Plan::Scripted(script) = duplicate(&[7, 7, 0, 0, 0, 0]) else {
            panic!("scripted")
        };
        assert_eq!(script.finish(1, &[]).result, 7);
        assert_eq!(script.finish(-9, &[]).result, -9);
        assert!(matches!(duplicate(&[7, 8, 0, 0, 0, 0]), Plan::Plain(_)));
    }
}
